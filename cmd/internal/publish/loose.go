package publish

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// WriteFiles writes files, by their names, into a folder that is no tree of its own: nothing else in it is looked at, and
// no note of what was written is left there. The folder is made where it is missing. As in a tree, each file is replaced
// in one step, and not touched when it holds these bytes already.
func WriteFiles(ctx context.Context, dir string, files map[string][]byte, now func() time.Time) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the folder: %w", explain(err, dir))
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("opening the folder: %w", explain(err, dir))
	}
	t := &tree{root: root, dir: dir, now: now, dirty: map[string]bool{}, bare: true}
	return errors.Join(t.put(ctx, part{files: files}), t.sync(), root.Close())
}
