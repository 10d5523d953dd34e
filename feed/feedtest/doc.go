// Package feedtest finds what is wrong with documents that feeds are published as. It is imported by tests only and does no
// I/O: each function takes a document and gives a sentence for every problem, none for a document that is as it should be.
//
// Its rules are those of the standards – Atom (RFC 4287), its archives (RFC 5005), RSS 2.0 by the profile of the RSS Advisory
// Board (https://www.rssboard.org/rss-profile), JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/), OPML 2.0
// (http://opml.org/spec2.opml), tag URIs (RFC 4151) –, what the W3C's feed validator (https://validator.w3.org/feed/) warns of
// beyond them, and what Linkletter promises: unique ids and timestamps, absolute addresses, a feed that is as new as its newest
// entry, HTML in which nothing can run. They are not the writers' code turned around: documents are read with encoding/xml,
// encoding/json and golang.org/x/net/html, and nothing of package feed is used.
package feedtest
