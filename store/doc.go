// Package store remembers what was seen, published and sent, in one SQLite file.
//
// The tables are the program's only shared state: claims are leases, exactly-once rules are unique keys, and nothing is
// kept in memory that a restart or a second process could not read again. schema.sql is the whole schema with its
// reasons; every record has a file of its own, its SQL beside the method that runs it.
package store
