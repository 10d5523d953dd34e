package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"linkletter/cmd/internal/mailer"
)

// verdict is how something that was looked at is.
type verdict string

const (
	fine    verdict = "ok"
	warning verdict = "warn" // it works, and could be better, or it cannot be told
	failure verdict = "fail" // it does not work
)

// finding is what the doctor says of one thing.
type finding struct {
	Check   string  `json:"check"`
	Outcome verdict `json:"outcome"`
	Text    string  `json:"text"`           // what was looked at, and how it is
	Hint    string  `json:"hint,omitempty"` // what to do
}

// doctor looks at everything that feeds and mail depend on. Its checks come one after another, and each says at once what
// it found.
type doctor struct {
	now      func() time.Time
	cfg      *Config
	dns      *dns
	server   *mailer.SMTP // nil: messages go to the outbox
	tell     func(finding)
	findings []finding
}

func (p *program) doctorCommand() *cobra.Command {
	var asJSON bool
	var server string
	var key keyWish
	var rotate bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "See whether mail will arrive: configuration, server, DNS, public address",
		Long: `Look at everything that feeds and mail depend on, and say what to do about what is wrong: the
configuration, the database, the mail server (logging in, and sending nothing), and what the DNS
says about who may send (SPF, DKIM, DMARC), where replies go (MX), who the sender is (PTR), and
whether the public address answers. Exit status 1 says that something does not work; what could be
better is a warning.

With --dkim-key it makes a key that signs messages, and says what the DNS must have of it. With
--rotate-bounce-key it changes the key of the marks in bounce addresses, in case somebody else has
read the database; reports about what was sent under the key before it are still understood.`,
		Example: `  linkletter doctor
  linkletter doctor --json | jq '.checks[] | select(.outcome != "ok")'
  linkletter doctor --dkim-key /etc/linkletter/dkim-rsa.pem
  linkletter doctor --dkim-key /etc/linkletter/dkim-ed25519.pem --type ed25519`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if rotate && key.file != "" {
				return usageError{errors.New("--dkim-key and --rotate-bounce-key are two things to do")}
			}
			if rotate {
				return p.rotateBounceKey(cmd.Context())
			}
			if key.file != "" {
				return p.makeKey(key, asJSON)
			}
			if key.selector != "" || cmd.Flags().Changed("type") {
				return usageError{hintError{errors.New("--type and --selector are about a key"), "--dkim-key FILE makes one"}}
			}
			return p.doctor(cmd.Context(), server, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	cmd.Flags().StringVar(&server, "dns", "", "the DNS `server` to ask, host or host:port, such as the one that has your zone (default: the system's)")
	cmd.Flags().StringVar(&key.file, "dkim-key", "", "make a key for DKIM in a new `file`")
	cmd.Flags().StringVar(&key.kind, "type", string(mailer.RSA), "of the key: rsa or ed25519")
	cmd.Flags().StringVar(&key.selector, "selector", "", "the `name` under which the DNS has the key (default: the type and the year)")
	cmd.Flags().BoolVar(&rotate, "rotate-bounce-key", false, "change the key of the marks in bounce addresses")
	return cmd
}

// doctor makes all checks and says what they found.
func (p *program) doctor(ctx context.Context, server string, asJSON bool) error {
	out := &printer{w: p.out}
	d := &doctor{now: p.now, dns: newDNS(server), tell: func(f finding) {
		if asJSON {
			return
		}
		out.line("%-4s  %-13s  %s", f.Outcome, f.Check, f.Text)
		if f.Hint != "" {
			out.line("      %-13s  hint: %s", "", f.Hint)
		}
	}}
	d.examine(ctx, p.configFile)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	failed, warned := d.count(failure), d.count(warning)
	if asJSON {
		out.err = writeJSON(p.out, struct {
			Checks   []finding `json:"checks"`
			Failed   int       `json:"failed"`
			Warnings int       `json:"warnings"`
		}{d.findings, failed, warned})
	} else {
		out.line("\n%s, %s, %d failed", count(d.count(fine), "check is fine", "checks are fine"), count(warned, "warning", "warnings"), failed)
	}
	if out.err != nil {
		return out.err
	}
	if failed > 0 {
		return fmt.Errorf("doctor: %s failed", count(failed, "check", "checks"))
	}
	return nil
}

// examine makes the checks that can be made.
func (d *doctor) examine(ctx context.Context, file string) {
	if !d.configuration(file) {
		return
	}
	d.site()
	d.templates()
	d.database(ctx)
	if len(d.cfg.Digests) > 0 {
		d.imprint()
		d.mailServer(ctx)
		d.mailbox(ctx)
		d.mailDNS(ctx)
	}
	d.publicAddress(ctx)
}

func (d *doctor) count(o verdict) int {
	n := 0
	for _, f := range d.findings {
		if f.Outcome == o {
			n++
		}
	}
	return n
}

func (d *doctor) add(o verdict, check, hint, format string, args ...any) {
	f := finding{check, o, oneLine(fmt.Sprintf(format, args...)), oneLine(hint)}
	d.findings = append(d.findings, f)
	d.tell(f)
}

func (d *doctor) ok(check, format string, args ...any) { d.add(fine, check, "", format, args...) }

func (d *doctor) warn(check, hint, format string, args ...any) {
	d.add(warning, check, hint, format, args...)
}

func (d *doctor) fail(check, hint, format string, args ...any) {
	d.add(failure, check, hint, format, args...)
}

// configuration reads the configuration, without which there is nothing to look at.
func (d *doctor) configuration(file string) bool {
	const check = "configuration"
	var err error
	if d.cfg, err = LoadConfig(file); err != nil {
		hint := ""
		if wrong, ok := errors.AsType[*ConfigError](err); ok {
			hint = wrong.Hint
		}
		d.fail(check, hint, "%v", err)
		return false
	}
	d.ok(check, "%s: %s, %s", file, count(len(d.cfg.Lists), "list", "lists"), count(len(d.cfg.Digests), "digest", "digests"))
	if d.cfg.Mail.SMTP != "" {
		if d.server, err = d.cfg.mailServer(); err != nil {
			d.fail(check, "", "%v", err)
			return false
		}
	}
	return true
}

// imprint looks for who answers for the mails.
func (d *doctor) imprint() {
	if strings.TrimSpace(d.cfg.Imprint) == "" {
		d.warn("imprint", `set imprint: "Ada Lovelace, 12 St James's Square, London"`,
			"it is missing: many countries' law wants the sender's name and postal address in every issue")
		return
	}
	d.ok("imprint", "%s", d.cfg.Imprint)
}
