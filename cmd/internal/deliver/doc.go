// Package deliver brings an issue to everybody it is for, and accounts for every copy: freeze, claim, send, record. It sends the mails
// that ask whether something was meant, too, and accounts for what comes back (RFC 3464, RFC 5965): a Receiver.
//
// The promise is that every confirmed subscriber gets every issue once, or what they chose of it. Over SMTP nobody can keep it in full (RFC 1047):
// between the end of a message and the server's reply, either side may die. So the intent to end a message is on disk
// before the end goes out, and the reply right after it came. Whatever is interrupted between the two is known by name
// and sent again with the same bytes and Message-ID, or left for the operator, as configured; anything else is never sent
// twice and never skipped.
package deliver
