package smtptest

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// Entry is one accepted message, as a Journal has it.
type Entry struct {
	At    int64  `json:"at"`    // when it was accepted, in the order of all that its Recorder was asked
	Begun int64  `json:"begun"` // the same for its RCPT, right before that was answered
	Conn  int    `json:"conn"`  // over which connection, from 1
	From  string `json:"from"`
	To    string `json:"to"`
	ID    string `json:"id"`             // its Message-ID
	Sum   string `json:"sum"`            // SHA-256 of its bytes
	Data  []byte `json:"data,omitempty"` // its bytes, where they come for the first time
}

// Journal is a file of what a server accepted, a line of JSON each.
type Journal struct {
	file *os.File

	mu      sync.Mutex // guards what follows
	seen    map[string]bool
	written int64

	syncing sync.Mutex // guards synced
	synced  int64
}

// CreateJournal makes an empty journal at path.
func CreateJournal(path string) (*Journal, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return &Journal{file: f, seen: map[string]bool{}}, nil
}

// Write adds an entry for a message; its Sum and Data are set here. It is on disk when Write returns.
func (j *Journal) Write(e Entry, data []byte) error {
	sum := sha256.Sum256(data)
	e.Sum, e.Data = hex.EncodeToString(sum[:]), nil
	end, err := j.append(e, data)
	if err != nil {
		return err
	}
	// Whoever waited while another's entry went to disk may find its own there.
	j.syncing.Lock()
	defer j.syncing.Unlock()
	if j.synced >= end {
		return nil
	}
	j.mu.Lock()
	end = j.written
	j.mu.Unlock()
	if err := j.file.Sync(); err != nil {
		return err
	}
	j.synced = end
	return nil
}

// append writes an entry and gives where it ends.
func (j *Journal) append(e Entry, data []byte) (end int64, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.seen[e.Sum] {
		j.seen[e.Sum] = true
		e.Data = data
	}
	line, err := json.Marshal(e)
	if err != nil {
		return 0, err
	}
	n, err := j.file.Write(append(line, '\n'))
	j.written += int64(n)
	return j.written, err
}

// Close closes the file.
func (j *Journal) Close() error { return j.file.Close() }

// ReadJournal gives the entries of the journal at path that begin at offset or after, and where they end: what is written
// behind that can be read by the next call. Only entries that are whole count.
func ReadJournal(path string, offset int64) (entries []Entry, end int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, offset, err
	}
	defer f.Close()
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		return nil, offset, err
	}
	for r := bufio.NewReader(f); ; {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return entries, offset, nil
		}
		if err != nil {
			return entries, offset, err
		}
		var e Entry
		if err := json.Unmarshal(line, &e); err != nil {
			return entries, offset, fmt.Errorf("%s, at byte %d: %w", path, offset, err)
		}
		entries = append(entries, e)
		offset += int64(len(line))
	}
}
