package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"linkletter/cmd/internal/publish"
	"linkletter/store"
)

func (p *program) publishCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "publish",
		Short: "Rewrite the feeds and pages from the store",
		Long: `Rewrite the feeds and pages from the store. Nothing is checked and nothing is mailed; files
whose bytes would be the same are not touched.`,
		Example: "  linkletter publish",
		Args:    args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := p.open(cmd.Context())
			if err != nil {
				return err
			}
			defer a.close()
			report := &publish.Report{}
			err = a.exclusively(cmd.Context(), "publish", store.RequestPublish, "", report, func(ctx context.Context) (err error) {
				*report, err = a.publishing(ctx)
				return err
			})
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(p.out, "%s: %d files written, %d unchanged, %d removed\n", a.publisher.Dir, report.Written, report.Unchanged, report.Removed)
			return err
		},
	}
}

// newPublisher makes the publisher from the configuration.
func (a *app) newPublisher() *publish.Publisher {
	pub := &publish.Publisher{
		Dir:       a.cfg.path(a.cfg.Public),
		Site:      a.site,
		Tag:       a.tag,
		Store:     a.store,
		Templates: a.templates,
		Window:    a.cfg.Window,
		Location:  a.cfg.location,
		Now:       time.Now, // file times are the wall clock's
		Log:       a.log,
	}
	for _, l := range a.cfg.Lists {
		pub.Lists = append(pub.Lists, publish.List{ID: l.ID, Title: l.Title, Description: l.Description, Page: l.Page, Baseline: *l.Baseline})
	}
	return pub
}

// feedAddresses tells where the feeds are, for people.
func (a *app) feedAddresses() (feed, files string) {
	return a.site.File("atom.xml"), filepath.Clean(a.cfg.path(a.cfg.Public))
}
