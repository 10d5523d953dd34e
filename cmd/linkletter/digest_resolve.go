package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"linkletter/store"
)

func (p *program) digestResolveCommand() *cobra.Command {
	var name string
	var resend, sent bool
	cmd := &cobra.Command{
		Use:   "resolve N [ADDRESS…]",
		Short: "End the doubt about deliveries of an issue",
		Long: `End the doubt about deliveries of an issue, which digest show N names: all of them, or those to the
addresses. Each is taken as sent, or sent once more: the same bytes under the same Message-ID, so that
mailboxes can tell. By itself a message in doubt is sent again after mail.in_doubt_hold, up to three
times in all (in_doubt: resend), or never (in_doubt: hold); this is for those that stay.`,
		Example: "  linkletter digest resolve 12 --sent\n  linkletter digest resolve 12 --resend ada@example.org",
		Args:    args(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			if resend == sent {
				return usageError{errors.New("say what became of them: --sent or --resend")}
			}
			as := store.ResolveSent
			if resend {
				as = store.ResolveResend
			}
			var keys []string
			for _, address := range given[1:] {
				_, key, err := store.NormalizeAddress(address)
				if err != nil {
					return usageError{err}
				}
				keys = append(keys, key)
			}
			return p.withoutTemplates(p.withIssue(&name, func(ctx context.Context, a *app, issue *store.Issue) error {
				n, err := a.store.Resolve(ctx, issue.Ref, as, keys)
				if err != nil {
					return stateHint(issue, err)
				}
				if n == 0 {
					return hintError{fmt.Errorf("issue %d of %s: none of these is in doubt with its bytes", issue.Number, issue.Digest),
						fmt.Sprintf("`linkletter digest show %d --digest %s --state in_doubt` names what is in doubt; what was pruned can only be taken as sent", issue.Number, issue.Digest)}
				}
				what := "taken as sent"
				if resend {
					what = "to be sent again: by `linkletter serve`, or the next `linkletter digest send`"
				}
				_, err = fmt.Fprintf(p.out, "%s %s\n", count(n, "delivery is", "deliveries are"), what)
				return err
			}))(cmd, given[:1])
		},
	}
	cmd.Flags().StringVar(&name, "digest", "", "the `digest`, where there are several")
	cmd.Flags().BoolVar(&resend, "resend", false, "send the same messages once more")
	cmd.Flags().BoolVar(&sent, "sent", false, "take them as received")
	return cmd
}
