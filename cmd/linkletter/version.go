package main

import (
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is the release; the build may set it with -ldflags "-X main.version=…".
var version = "0.1.0"

func (p *program) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version, the revision it was built from and the Go release",
		Example: "  linkletter version",
		Args:    args(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			info, ok := debug.ReadBuildInfo()
			if !ok {
				_, err := fmt.Fprintf(p.out, "linkletter %s\n", version)
				return err
			}
			revision := ""
			for _, s := range info.Settings {
				if s.Key == "vcs.revision" {
					revision = " " + s.Value[:min(12, len(s.Value))]
				}
			}
			_, err := fmt.Fprintf(p.out, "linkletter %s%s (%s)\n", version, revision, info.GoVersion)
			return err
		},
	}
}
