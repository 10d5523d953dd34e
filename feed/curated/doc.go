// Package curated reads a curated Markdown list the way a human editor would, and tells what changed in it.
//
// Parse turns bytes into a List, Diff compares a List with what is known of it, CanonicalURL gives the key by which two
// addresses are one resource, and Guard says when a reading is too strange to be believed. The package does no I/O, keeps
// no state and never fails on bytes.
package curated
