package digest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"strings"
)

// BounceKeys sign the marks in the envelope senders of messages (VERP), so that a report of a failure tells which message it
// is about, and a forged one tells nothing. They are apart from Keys because they can be changed: links in old mail work for
// ever, and reports come within days. The zero value must not be used.
type BounceKeys struct {
	Generation byte   // counts the keys there were, modulo 256
	Key        []byte // 32 random bytes; it makes marks
	Previous   []byte // of the generation before, whose marks are still good; empty: none
}

const (
	// bounceMAC is 80 bits: a guess has to be mailed, so there are never many, and a local part has room for little.
	bounceMAC = 10
	// MaxBounceMark is the most characters that a mark has, as long as there are fewer than 2^28 issues (4 bytes) and 2^42
	// subscribers (6 bytes).
	MaxBounceMark = ((1+4+6+bounceMAC)*8 + 4) / 5
)

// mac signs data with a generation's key; nil when there is no such key.
func (k BounceKeys) mac(generation byte, data []byte) []byte {
	var key []byte
	switch generation {
	case k.Generation:
		key = k.Key
	case k.Generation - 1:
		key = k.Previous
	}
	if len(key) == 0 {
		return nil
	}
	h := hmac.New(sha256.New, key)
	h.Write([]byte("linkletter:bounce"))
	h.Write(data)
	return h.Sum(nil)[:bounceMAC]
}

// Mark names the message of an issue, by its row, to a subscriber: at most MaxBounceMark lower-case letters and digits. Issue
// 0 is a confirmation mail. It is worth as much when the delivery's row is gone.
func (k BounceKeys) Mark(issue, subscriber int64) string {
	data := []byte{k.Generation}
	data = binary.AppendUvarint(data, uint64(issue))
	data = binary.AppendUvarint(data, uint64(subscriber))
	return base32Lower.EncodeToString(append(data, k.mac(k.Generation, data)...))
}

// ParseMark reads a mark made by Mark, in any case, for relays change it; ok is false for everything else.
func (k BounceKeys) ParseMark(mark string) (issue, subscriber int64, ok bool) {
	mark = strings.ToLower(mark)
	raw, err := base32Lower.DecodeString(mark)
	// Only what Mark writes is read: the decoder skips line ends and does not look at the last bits.
	if err != nil || len(raw) <= bounceMAC || base32Lower.EncodeToString(raw) != mark {
		return 0, 0, false
	}
	data, mac := raw[:len(raw)-bounceMAC], raw[len(raw)-bounceMAC:]
	if want := k.mac(data[0], data); want == nil || !hmac.Equal(mac, want) {
		return 0, 0, false
	}
	i, n := binary.Uvarint(data[1:])
	if n <= 0 {
		return 0, 0, false
	}
	s, m := binary.Uvarint(data[1+n:])
	if m <= 0 || 1+n+m != len(data) {
		return 0, 0, false
	}
	return int64(i), int64(s), true
}

// BounceAddress is the address to which each message adds a mark of its own: local+MARK@domain.
type BounceAddress struct {
	Local, Domain string
}

// For is the address with a mark.
func (a BounceAddress) For(mark string) string { return a.Local + "+" + mark + "@" + a.Domain }

// Unmarked is the address itself, which the same mailbox has; empty: there is none.
func (a BounceAddress) Unmarked() string {
	if a.Local == "" {
		return ""
	}
	return a.Local + "@" + a.Domain
}

// Mark gives back what For put into an address, which a relay may have written in another case; ok is false for other
// addresses.
func (a BounceAddress) Mark(address string) (mark string, ok bool) {
	at := strings.LastIndexByte(address, '@')
	if at < 0 || !strings.EqualFold(address[at+1:], a.Domain) {
		return "", false
	}
	local, mark, ok := strings.Cut(address[:at], "+")
	if !ok || !strings.EqualFold(local, a.Local) {
		return "", false
	}
	return mark, true
}
