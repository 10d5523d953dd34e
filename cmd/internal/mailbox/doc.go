// Package mailbox reads what comes back: it takes messages out of an IMAP mailbox, a maildir or a stream, and says what each
// of them reports.
//
// It knows reports of deliveries (RFC 3464, and RFC 6533 for addresses in other letters), complaints (RFC 5965), mails that
// unsubscribe (RFC 2369), and the plain text that older servers send in place of a report. Anything else is none of these, and
// automatic answers (RFC 3834) never are. What a message says is worth nothing by itself, for anybody can write one: who acts
// on it must look at the proof that comes with it.
package mailbox
