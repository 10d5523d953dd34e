package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"linkletter/store"
)

func (p *program) backupCommand() *cobra.Command {
	var force, asJSON bool
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy the database while it is in use",
		Long: `Write a copy of the database as it is at one moment, also while issues are being sent. It holds all that
cannot be made again: what was seen, published and sent, the subscribers, and the secret that links in
mails are signed with. Keep it where nobody else reads it.

To restore it, put it in the database's place while nothing runs, and remove the files beside it whose names
end in -wal and -shm: they belong to the database that was there. An issue that was being sent when the
backup was made is paused in it, for those who got it since would get it again: digest resume goes on with
it all the same, digest cancel ends it. One that was made since is not known to it, and would be made again.`,
		Example: "  linkletter backup /var/backups/linkletter.db\n  linkletter backup --force backup.db",
		Args:    args(cobra.ExactArgs(1)),
		RunE: p.withoutTemplates(p.withApp(func(ctx context.Context, a *app, given []string) error {
			size, err := a.store.Backup(ctx, given[0], force)
			switch {
			case errors.Is(err, store.ErrOwnFile):
				return hintError{err, "name another file"}
			case errors.Is(err, fs.ErrExist):
				return hintError{fmt.Errorf("there is a file %s already", given[0]), "--force replaces it"}
			case errors.Is(err, fs.ErrNotExist):
				return noFolder(given[0])
			case err != nil:
				return err
			case asJSON:
				return writeJSON(p.out, struct {
					File  string `json:"file"`
					Bytes int64  `json:"bytes"`
				}{given[0], size})
			}
			_, err = fmt.Fprintf(p.out, "%s: %.1f MiB\n", given[0], float64(size)/(1<<20))
			return err
		})),
	}
	cmd.Flags().BoolVar(&force, "force", false, "replace the file")
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return cmd
}
