// Package feed writes entries as Atom (RFC 4287), RSS 2.0 and JSON Feed 1.1, makes their permanent ids (RFC 4151), and
// knows the public addresses of everything that is published.
package feed
