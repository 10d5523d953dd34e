package mailer

import (
	"context"
	"crypto/tls"
	"time"
)

// Offer is what a server offers a connection that is ready for messages.
type Offer struct {
	TLS        string    // the version of TLS; empty: the connection is not encrypted
	Expires    time.Time // when the server's certificate ends; zero without TLS
	User       string    // who is logged in; empty: nobody
	Extensions []string  // of those that messages may need (RFC 2920, 1870, 6152, 6531), with their parameters
}

// Probe opens a connection, asks for a sign of life (NOOP), and parts. Nothing is sent. The error is an *Error.
func (s *SMTP) Probe(ctx context.Context) (Offer, error) {
	c, err := s.Dial(ctx)
	if err != nil {
		return Offer{}, err
	}
	defer c.Close() // there is nothing to lose
	o := Offer{User: s.Username}
	if state, encrypted := c.client.TLSConnectionState(); encrypted {
		o.TLS = tls.VersionName(state.Version)
		if len(state.PeerCertificates) > 0 {
			o.Expires = state.PeerCertificates[0].NotAfter
		}
	}
	for _, name := range []string{"PIPELINING", "SIZE", "8BITMIME", "SMTPUTF8"} {
		ok, parameter := c.client.Extension(name)
		if ok && parameter != "" {
			name += " " + parameter
		}
		if ok {
			o.Extensions = append(o.Extensions, name)
		}
	}
	c.within(s.Timeouts.Command)
	if err := c.client.Noop(); err != nil {
		return Offer{}, explain(s.Addr(), Hello, err)
	}
	return o, nil
}
