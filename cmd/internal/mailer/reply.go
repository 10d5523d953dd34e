package mailer

import (
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"strconv"
	"strings"
	"sync/atomic"
)

// maxHeard is how many bytes a server may say in one step of a dialogue. Replies are short; the most is a handshake's certificates.
const maxHeard = 256 << 10

var errEndless = errors.New("the server's reply has no end")

// bounded is a connection on which a server that talks and talks is not listened to for ever.
type bounded struct {
	net.Conn
	left atomic.Int64
}

func (b *bounded) Read(p []byte) (int, error) {
	left := b.left.Load()
	if left <= 0 {
		return 0, errEndless
	}
	n, err := b.Conn.Read(p[:min(int64(len(p)), left)])
	b.left.Add(int64(-n))
	return n, err
}

// readReply reads a reply whose code begins with the digit expect (RFC 5321, 4.2 and 4.3.2: a client goes by that digit). A refusal is a
// *textproto.Error; any other error means that the two do not understand each other.
func readReply(r *textproto.Reader, expect int) (code int, text string, err error) {
	code, text, err = anyReply(r)
	switch {
	case err != nil || code/100 == expect:
	case code >= 400:
		err = &textproto.Error{Code: code, Msg: text}
	default:
		err = fmt.Errorf("the server said %q, which is no answer to that", reply(code, text))
	}
	return code, text, err
}

// anyReply reads a reply of one line or several.
func anyReply(r *textproto.Reader) (code int, text string, err error) {
	var lines []string
	for {
		line, err := r.R.ReadString('\n')
		if err != nil {
			return 0, "", err // of a line that broke off, nothing is believed
		}
		line = strings.TrimRight(line, "\r\n")
		n, err := strconv.Atoi(line[:min(3, len(line))])
		last := len(line) == 3 || len(line) > 3 && line[3] == ' ' // a bare code is a reply too
		if err != nil || n < 200 || n > 599 || !last && (len(line) < 4 || line[3] != '-') || code != 0 && n != code {
			return 0, "", fmt.Errorf("the server said %q, which is no SMTP", line[:min(len(line), maxReply)])
		}
		code = n
		lines = append(lines, strings.TrimSpace(line[min(4, len(line)):]))
		if last {
			return code, strings.Join(lines, "\n"), nil
		}
	}
}
