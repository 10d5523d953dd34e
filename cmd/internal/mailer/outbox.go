package mailer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/mail"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Outbox is a folder that messages are written to, one .eml file each, where there is no server. A file is named after
// its Message-ID, so a repetition takes the place of the first copy: nobody has a message twice.
type Outbox struct {
	Dir string
}

// Deliver writes one message. It is there whole or not at all, and on disk when Deliver returns. beforeDot is called when
// all is written and before the file has its name; when it fails, there is no file.
func (o Outbox) Deliver(_ context.Context, _, to string, msg []byte, beforeDot func() error) (string, error) {
	name, err := fileName(msg)
	if err != nil {
		return "", fmt.Errorf("outbox: message to %s: %w", to, err)
	}
	path := filepath.Join(o.Dir, name)
	unfinished := filepath.Join(o.Dir, "."+name+".part")
	if err := o.write(unfinished, msg); err != nil {
		return "", fmt.Errorf("outbox: %w", err)
	}
	defer os.Remove(unfinished) // without effect once it has its name
	if err := beforeDot(); err != nil {
		return "", err
	}
	if err := os.Rename(unfinished, path); err != nil {
		return "", fmt.Errorf("outbox: %w", err)
	}
	if err := syncDir(o.Dir); err != nil {
		return "", fmt.Errorf("outbox: %w", err)
	}
	return "written to " + name, nil
}

// Close does nothing: a folder needs no parting.
func (o Outbox) Close() error { return nil }

func (o Outbox) write(path string, msg []byte) error {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(msg); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return f.Close()
}

// syncDir makes a new name durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

var plainName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,150}$`)

// fileName is a message's Message-ID up to its @, or its hash where that is no good name for a file.
func fileName(msg []byte) (string, error) {
	m, err := mail.ReadMessage(bytes.NewReader(msg))
	if err != nil {
		return "", err
	}
	id := strings.Trim(m.Header.Get("Message-Id"), "<>")
	if id == "" {
		return "", fmt.Errorf("it has no Message-ID")
	}
	if local, _, _ := strings.Cut(id, "@"); plainName.MatchString(local) {
		return local + ".eml", nil
	}
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:16]) + ".eml", nil
}
