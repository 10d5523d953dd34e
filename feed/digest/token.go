package digest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// What a token can be refused for.
var (
	ErrForged  = errors.New("not a link of ours")
	ErrExpired = errors.New("the link has expired")
)

// Purposes of Keys.Hash.
const (
	HashSuppression = "suppression" // of a subscriber's key: who must never be written to again
	HashClient      = "client"      // of a client's network address: for rate limits only
)

// Keys makes and checks everything that is signed: links in mail, Message-IDs, and hashes of what must not be kept in
// the clear. Each purpose has a key of its own, derived from one secret, so that a token made for one is worth nothing
// for another. The zero value must not be used.
type Keys struct {
	secret []byte
}

// NewKeys derives the keys from a secret of at least 32 random bytes. Links in old mail work as long as the secret is the same.
func NewKeys(secret []byte) Keys { return Keys{secret: secret} }

const (
	// macSize is 128 bits: beyond guessing, and short in a link.
	macSize = 16
	// maxToken bounds what is decoded; ours are far shorter.
	maxToken = 1024
)

var base32Lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// mac signs data for a purpose (HMAC-SHA256, RFC 2104) with a key that is itself the HMAC of the purpose's name.
func (k Keys) mac(purpose string, data []byte) []byte {
	derive := hmac.New(sha256.New, k.secret)
	derive.Write([]byte("linkletter:" + purpose))
	sign := hmac.New(sha256.New, derive.Sum(nil))
	sign.Write(data)
	return sign.Sum(nil)
}

// seal is data with its signature, as URL-safe text (RFC 4648, section 5, without padding).
func (k Keys) seal(purpose string, data []byte) string {
	return base64.RawURLEncoding.EncodeToString(append(data, k.mac(purpose, data)[:macSize]...))
}

// open gives back what was sealed for the purpose. It takes any input.
func (k Keys) open(purpose, token string) ([]byte, bool) {
	// The decoder skips line ends, which would let one token be written in many ways.
	if len(token) > maxToken || strings.ContainsAny(token, "\r\n") {
		return nil, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) < macSize {
		return nil, false
	}
	data, mac := raw[:len(raw)-macSize], raw[len(raw)-macSize:]
	return data, hmac.Equal(mac, k.mac(purpose, data)[:macSize])
}

// Unsubscribe is the token of a subscriber's own links in the issues of one digest, for leaving it and for the preferences. It
// never expires: links of old issues work.
func (k Keys) Unsubscribe(subscriber int64, digest string) string {
	return k.seal("unsubscribe", append(binary.AppendVarint(nil, subscriber), digest...))
}

// ParseUnsubscribe reads a token made by Unsubscribe; ok is false for everything else.
func (k Keys) ParseUnsubscribe(token string) (subscriber int64, digest string, ok bool) {
	data, ok := k.open("unsubscribe", token)
	if !ok {
		return 0, "", false
	}
	subscriber, n := binary.Varint(data)
	if n <= 0 {
		return 0, "", false
	}
	return subscriber, string(data[n:]), true
}

// Confirm is the token of the link that confirms a subscription to one digest. It is good until expires, to the second;
// that it is good for once only is the nonce's matter, which the store forgets when it is used.
func (k Keys) Confirm(subscriber int64, digest, nonce string, expires time.Time) string {
	data := binary.AppendVarint(nil, subscriber)
	data = binary.AppendVarint(data, expires.Unix())
	data = binary.AppendUvarint(data, uint64(len(digest)))
	return k.seal("confirm", append(append(data, digest...), nonce...))
}

// ParseConfirm reads a token made by Confirm. The error is ErrForged, or ErrExpired, which comes with all that the token says.
func (k Keys) ParseConfirm(token string, now time.Time) (subscriber int64, digest, nonce string, err error) {
	data, ok := k.open("confirm", token)
	if !ok {
		return 0, "", "", ErrForged
	}
	subscriber, n := binary.Varint(data)
	if n <= 0 {
		return 0, "", "", ErrForged
	}
	data = data[n:]
	expires, n := binary.Varint(data)
	if n <= 0 {
		return 0, "", "", ErrForged
	}
	data = data[n:]
	size, n := binary.Uvarint(data)
	if n <= 0 || size > uint64(len(data)-n) {
		return 0, "", "", ErrForged
	}
	digest, nonce = string(data[n:n+int(size)]), string(data[n+int(size):])
	if now.Unix() > expires {
		err = ErrExpired
	}
	return subscriber, digest, nonce, err
}

// Act is the token of the link in a mail that asks whether a dangerous act was meant, by the number of that confirmation. It is
// good until expires, to the second, and for once by its nonce, as Confirm's.
func (k Keys) Act(confirmation int64, nonce string, expires time.Time) string {
	data := binary.AppendVarint(nil, confirmation)
	return k.seal("act", append(binary.AppendVarint(data, expires.Unix()), nonce...))
}

// ParseAct reads a token made by Act. The error is ErrForged, or ErrExpired, which comes with all that the token says.
func (k Keys) ParseAct(token string, now time.Time) (confirmation int64, nonce string, err error) {
	data, ok := k.open("act", token)
	if !ok {
		return 0, "", ErrForged
	}
	confirmation, n := binary.Varint(data)
	if n <= 0 {
		return 0, "", ErrForged
	}
	expires, m := binary.Varint(data[n:])
	if m <= 0 {
		return 0, "", ErrForged
	}
	if now.Unix() > expires {
		err = ErrExpired
	}
	return confirmation, string(data[n+m:]), err
}

// MessageID names one issue's message to one subscriber (RFC 5322, 3.6.4), with its angle brackets. It is the same on every
// try, so that a receiver can tell a repetition, and tells nobody who the subscriber is.
func (k Keys) MessageID(digest string, number int, subscriber int64, domain string) string {
	mac := k.mac("message-id", fmt.Appendf(nil, "%s\x00%d\x00%d", digest, number, subscriber))
	return "<" + digest + "." + strconv.Itoa(number) + "." + base32Lower.EncodeToString(mac[:macSize]) + "@" + domain + ">"
}

// ConfirmationID is the same for the confirmation mail with that number.
func (k Keys) ConfirmationID(confirmation int64, domain string) string {
	mac := k.mac("confirmation-id", strconv.AppendInt(nil, confirmation, 10))
	return "<confirm." + base32Lower.EncodeToString(mac[:macSize]) + "@" + domain + ">"
}

// Hasher is Hash for many values in a row; only one goroutine may call it.
func (k Keys) Hasher(purpose string) func(value string) string {
	derive := hmac.New(sha256.New, k.secret)
	derive.Write([]byte("linkletter:hash:" + purpose))
	sign := hmac.New(sha256.New, derive.Sum(nil))
	var sum []byte
	return func(value string) string {
		sign.Reset()
		sign.Write([]byte(value))
		sum = sign.Sum(sum[:0])
		return base32Lower.EncodeToString(sum)
	}
}

// Hash stands for a value that must not be kept in the clear: without the secret, nobody can find out whose it is by trying.
func (k Keys) Hash(purpose, value string) string {
	return base32Lower.EncodeToString(k.mac("hash:"+purpose, []byte(value)))
}
