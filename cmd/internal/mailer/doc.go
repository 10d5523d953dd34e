// Package mailer brings one message onto the wire: it composes MIME (RFC 5322, 2045, 2047; RFC 2369, 2919, 5064 and 8058 for
// the headers of a list) and delivers it over SMTP (RFC 5321, 3207, 4954, 6531) or into a folder. go-mail/mail is used here
// and nowhere else.
package mailer
