package main

import (
	"cmp"
	"crypto"
	"time"

	"linkletter/cmd/internal/deliver"
	"linkletter/cmd/internal/source"
	"linkletter/feed/curated"
	"linkletter/feed/digest"
)

// Config is config.yaml. It stops at package main: everything below gets plain fields.
type Config struct {
	BaseURL        string   `yaml:"base_url"`
	Title          string   `yaml:"title"`
	Imprint        string   `yaml:"imprint"`
	Operator       string   `yaml:"operator"`
	Language       string   `yaml:"language"`
	Rights         string   `yaml:"rights"`
	Listen         string   `yaml:"listen"`
	Serve          bool     `yaml:"serve"`
	TrustedProxies []string `yaml:"trusted_proxies"`
	Metrics        string   `yaml:"metrics"`
	Hub            string   `yaml:"hub"`
	Database       string   `yaml:"database"`
	Public         string   `yaml:"public"`
	Templates      string   `yaml:"templates"`
	Timezone       string   `yaml:"timezone"`
	Tag            string   `yaml:"tag"`
	Window         int      `yaml:"window"`
	MaxListMiB     int64    `yaml:"max_list_mib"`

	Lists   []ListConfig   `yaml:"lists"`
	Checks  ChecksConfig   `yaml:"checks"`
	Digests []DigestConfig `yaml:"digests"`
	Mail    MailConfig     `yaml:"mail"`
	Mailbox MailboxConfig  `yaml:"mailbox"`
	SignUp  SignUpConfig   `yaml:"signup"`
	Guard   GuardConfig    `yaml:"guard"`

	// file and folder are where it was read; relative paths in it start at folder.
	file, folder string
	location     *time.Location
	bounces      digest.BounceAddress // Mail.Bounces
	quiet        deliver.QuietHours   // Mail.QuietHours
}

// ListConfig is one list to watch.
type ListConfig struct {
	ID          string       `yaml:"id"`
	Title       string       `yaml:"title"`
	Description string       `yaml:"description"`
	Source      SourceConfig `yaml:"source"`
	Page        string       `yaml:"page"`
	Check       string       `yaml:"check"`
	Baseline    *int         `yaml:"baseline"` // nil: the default
	Language    string       `yaml:"language"`
	Rights      string       `yaml:"rights"`
	Formerly    []string     `yaml:"formerly"`
	Feeds       FeedsConfig  `yaml:"feeds"`
}

// FeedsConfig says which feeds a list has beside its usual ones.
type FeedsConfig struct {
	Changes bool `yaml:"changes"`
}

// ChecksConfig says how lists are checked, whichever they are.
type ChecksConfig struct {
	AtOnce      int           `yaml:"at_once"`
	Timeout     time.Duration `yaml:"timeout"`
	PerHost     float64       `yaml:"per_host"`
	Jitter      time.Duration `yaml:"jitter"`
	ReportAfter time.Duration `yaml:"report_after"`
}

// DigestConfig is one periodical.
type DigestConfig struct {
	ID         string   `yaml:"id"`
	Title      string   `yaml:"title"`
	Lists      []string `yaml:"lists"`
	Schedule   string   `yaml:"schedule"`
	From       string   `yaml:"from"`
	MinEntries int      `yaml:"min_entries"`
	Approve    bool     `yaml:"approve"`
}

// MailConfig says how messages leave.
type MailConfig struct {
	SMTP           string        `yaml:"smtp"`
	Password       string        `yaml:"password"`
	PasswordFile   string        `yaml:"password_file"`
	Hello          string        `yaml:"hello"`
	Outbox         string        `yaml:"outbox"`
	Bounces        string        `yaml:"bounces"`
	DKIM           []DKIMConfig  `yaml:"dkim"`
	Connections    int           `yaml:"connections"`
	PerConnection  int           `yaml:"per_connection"` // messages; 0: no limit
	PerSecond      float64       `yaml:"per_second"`     // messages; 0: no limit
	PerDomain      int           `yaml:"per_domain"`     // messages at once; 0: no limit
	QuietHours     string        `yaml:"quiet_hours"`
	InDoubt        string        `yaml:"in_doubt"`
	InDoubtHold    time.Duration `yaml:"in_doubt_hold"`
	KeepDeliveries time.Duration `yaml:"keep_deliveries"` // 0: for ever
}

// DKIMConfig is one signature that messages get.
type DKIMConfig struct {
	Domain   string `yaml:"domain"` // empty: the From address's
	Selector string `yaml:"selector"`
	KeyFile  string `yaml:"key_file"`

	key crypto.Signer // as KeyFile has it
}

// MailboxConfig says where messages come back to.
type MailboxConfig struct {
	IMAP         string        `yaml:"imap"`
	Password     string        `yaml:"password"`
	PasswordFile string        `yaml:"password_file"`
	Maildir      string        `yaml:"maildir"`
	Every        time.Duration `yaml:"every"`
	Delete       bool          `yaml:"delete"`
	Kept         string        `yaml:"kept"`
	SoftLimit    float64       `yaml:"soft_limit"`
	HalfLife     time.Duration `yaml:"half_life"`
}

// SignUpConfig limits the confirmation mails that strangers can cause.
type SignUpConfig struct {
	PerAddress int `yaml:"per_address"` // in 24 hours
	PerClient  int `yaml:"per_client"`  // in an hour
	Total      int `yaml:"total"`       // in an hour
}

// GuardConfig says when a check is too strange to be believed.
type GuardConfig struct {
	MaxNew       int     `yaml:"max_new"`
	MaxNewShare  float64 `yaml:"max_new_share"`
	MaxLostShare float64 `yaml:"max_lost_share"`
	MinLost      int     `yaml:"min_lost"`
}

const (
	defaultBaseline = 20
	defaultCheck    = "@every 15m"
	defaultSchedule = "0 9 * * MON"
)

// Defaults are the values of every option that is not set.
func Defaults() *Config {
	return &Config{
		BaseURL:    "http://localhost:8080",
		Title:      "Linkletter",
		Listen:     "localhost:8080",
		Serve:      true,
		Database:   "data/linkletter.db",
		Public:     "data/public",
		Timezone:   "UTC",
		Window:     50,
		MaxListMiB: source.DefaultMaxBytes >> 20,
		Checks: ChecksConfig{
			AtOnce: 8, Timeout: 10 * time.Minute, PerHost: source.DefaultHostRate, Jitter: 5 * time.Minute, ReportAfter: 24 * time.Hour,
		},
		Mail: MailConfig{
			Outbox: "data/outbox", DKIM: []DKIMConfig{}, Connections: 4, PerConnection: 100,
			InDoubt: "resend", InDoubtHold: 15 * time.Minute, KeepDeliveries: 365 * 24 * time.Hour,
		},
		Mailbox: MailboxConfig{Every: 5 * time.Minute, Kept: "data/kept", SoftLimit: 5, HalfLife: 30 * 24 * time.Hour},
		SignUp:  SignUpConfig{PerAddress: 3, PerClient: 10, Total: 500},
		Guard: GuardConfig{
			MaxNew: curated.DefaultGuard.MaxNew, MaxNewShare: curated.DefaultGuard.MaxNewShare,
			MaxLostShare: curated.DefaultGuard.MaxLostShare, MinLost: curated.DefaultGuard.MinLost,
		},
	}
}

// fill gives list and digest their defaults, which YAML cannot: they are elements of sequences.
func (c *Config) fill() {
	for i := range c.Lists {
		l := &c.Lists[i]
		if l.Check == "" {
			l.Check = defaultCheck
		}
		l.Language, l.Rights = cmp.Or(l.Language, c.Language), cmp.Or(l.Rights, c.Rights)
		if l.Baseline == nil {
			n := defaultBaseline
			l.Baseline = &n
		}
	}
	for i := range c.Digests {
		d := &c.Digests[i]
		if d.Title == "" {
			d.Title = d.ID
		}
		if d.Schedule == "" {
			d.Schedule = defaultSchedule
		}
		if d.MinEntries == 0 {
			d.MinEntries = 1
		}
		if d.Lists == nil {
			for _, l := range c.Lists {
				d.Lists = append(d.Lists, l.ID)
			}
		}
	}
}
