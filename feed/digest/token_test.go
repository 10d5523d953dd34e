package digest

import (
	"encoding/base64"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"
)

var (
	testKeys = NewKeys([]byte("0123456789abcdef0123456789abcdef"))
	noon     = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
)

func TestUnsubscribeToken(t *testing.T) {
	for _, id := range []string{"weekly", "a-b", ""} {
		token := testKeys.Unsubscribe(42, id)
		if strings.Trim(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			t.Errorf("%q does not fit into a URL as it is", token)
		}
		subscriber, digest, ok := testKeys.ParseUnsubscribe(token)
		if !ok || subscriber != 42 || digest != id {
			t.Errorf("%q reads as %d, %q, %v", token, subscriber, digest, ok)
		}
	}
}

// Old mail must stay good: a change of the format breaks every link that was ever sent.
func TestTokensAreStable(t *testing.T) {
	const want = "VHdlZWtseZurn56lm_5wZHoXsNwnE88"
	if got := testKeys.Unsubscribe(42, "weekly"); got != want {
		t.Errorf("unsubscribe token is %s, was %s", got, want)
	}
	const id = "<weekly.3.qp6byyvuug2z7luiwpi2wu6wra@example.org>"
	if got := testKeys.MessageID("weekly", 3, 42, "example.org"); got != id {
		t.Errorf("Message-ID is %s, was %s", got, id)
	}
	const hash = "6bqic2lgvcxkeerascdgielpt2wdtjb3x3dpeisls5sjglib6nfa"
	if got := testKeys.Hash(HashSuppression, "ada@example.org"); got != hash {
		t.Errorf("hash is %s, was %s", got, hash)
	}
}

func TestConfirmToken(t *testing.T) {
	token := testKeys.Confirm(7, "weekly", "n0nce", noon)
	tests := map[string]struct {
		token string
		now   time.Time
		err   error
	}{
		"good":           {token, noon.Add(-48 * time.Hour), nil},
		"last second":    {token, noon, nil},
		"expired":        {token, noon.Add(time.Second), ErrExpired},
		"empty":          {"", noon, ErrForged},
		"cut":            {token[:len(token)-1], noon, ErrForged},
		"longer":         {token + "A", noon, ErrForged},
		"line end":       {token + "\n", noon, ErrForged},
		"other purpose":  {testKeys.Unsubscribe(7, "weekly"), noon, ErrForged},
		"other secret":   {NewKeys([]byte("another")).Confirm(7, "weekly", "n0nce", noon), noon, ErrForged},
		"far too long":   {strings.Repeat("A", 1<<20), noon, ErrForged},
		"not base64":     {"%%%%", noon, ErrForged},
		"signed nothing": {testKeys.seal("confirm", nil), noon, ErrForged},
		"signed rubbish": {testKeys.seal("confirm", []byte{2, 2, 200, 1, 'x'}), noon, ErrForged},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			subscriber, digest, nonce, err := testKeys.ParseConfirm(test.token, test.now)
			if !errors.Is(err, test.err) {
				t.Fatalf("error %v, want %v", err, test.err)
			}
			if !errors.Is(err, ErrForged) && (subscriber != 7 || digest != "weekly" || nonce != "n0nce") {
				t.Errorf("reads as %d, %q, %q", subscriber, digest, nonce)
			}
		})
	}
}

// No single changed character makes another good token.
func TestTokensCannotBeAltered(t *testing.T) {
	token := testKeys.Unsubscribe(42, "weekly")
	for i := range token {
		for _, c := range []byte("AZaz09-_") {
			if token[i] == c {
				continue
			}
			forged := token[:i] + string(c) + token[i+1:]
			if subscriber, digest, ok := testKeys.ParseUnsubscribe(forged); ok {
				t.Errorf("%s reads as %d, %q", forged, subscriber, digest)
			}
		}
	}
}

func TestMessageIDs(t *testing.T) {
	seen := map[string]string{}
	for name, id := range map[string]string{
		"one":              testKeys.MessageID("weekly", 1, 1, "example.org"),
		"other subscriber": testKeys.MessageID("weekly", 1, 2, "example.org"),
		"other issue":      testKeys.MessageID("weekly", 11, 1, "example.org"),
		"other digest":     testKeys.MessageID("weekly-1", 1, 1, "example.org"),
		"confirmation":     testKeys.ConfirmationID(1, "example.org"),
		"another":          testKeys.ConfirmationID(2, "example.org"),
	} {
		if !regexp.MustCompile(`^<[a-z0-9.-]{1,64}@example\.org>$`).MatchString(id) {
			t.Errorf("%s: %s is no Message-ID", name, id)
		}
		if other, ok := seen[id]; ok {
			t.Errorf("%s and %s share %s", name, other, id)
		}
		seen[id] = name
	}
}

func TestHashKeepsPurposesApart(t *testing.T) {
	if testKeys.Hash(HashSuppression, "x") == testKeys.Hash(HashClient, "x") {
		t.Error("one value has the same hash for two purposes")
	}
}

func TestHasherIsHash(t *testing.T) {
	hash := testKeys.Hasher(HashSuppression)
	for _, v := range []string{"ada@example.org", "", "bob@example.org", "ada@example.org"} {
		if got, want := hash(v), testKeys.Hash(HashSuppression, v); got != want {
			t.Errorf("%q: the hasher gives %s, Hash gives %s", v, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(testKeys.Unsubscribe(42, "weekly"))
	f.Add(testKeys.Confirm(7, "weekly", "n0nce", noon))
	f.Add("")
	f.Fuzz(func(t *testing.T, token string) {
		if subscriber, digest, ok := testKeys.ParseUnsubscribe(token); ok && testKeys.Unsubscribe(subscriber, digest) != token {
			t.Errorf("%q is good, and not the one we make", token)
		}
		if _, _, _, err := testKeys.ParseConfirm(token, noon); err == nil && token != testKeys.Confirm(7, "weekly", "n0nce", noon) {
			t.Errorf("%q was forged", token)
		}
		// What is inside is read only after the signature, so it is tried on its own.
		data, err := base64.RawURLEncoding.DecodeString(token)
		if err == nil && len(data) < maxToken/2 {
			testKeys.ParseConfirm(testKeys.seal("confirm", data), noon)
			testKeys.ParseUnsubscribe(testKeys.seal("unsubscribe", data))
		}
	})
}
