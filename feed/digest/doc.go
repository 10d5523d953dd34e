// Package digest is the periodical: what an issue holds, how it is grouped, the states a delivery goes through, and the
// signed tokens that links in mail and envelope senders carry.
package digest
