package store_test

import (
	"context"
	"database/sql"
	"strings"
	"testing"
	"time"

	"linkletter/feed/digest"
	"linkletter/store"
)

// D2: another process that writes for longer than is waited for at once puts nothing in doubt.
func TestD2RecordsBesideLongWriter(t *testing.T) {
	store.Impatient(t)
	s, _, i, sender := outgoing(t, 1)
	ctx := context.Background()
	d := claim(t, sender, 1)
	other, err := sql.Open("sqlite", "file:"+s.Path())
	do(t, err)
	defer other.Close()
	conn, err := other.Conn(ctx)
	do(t, err)
	defer conn.Close()
	while := func(recorded func() error) {
		t.Helper()
		_, err := conn.ExecContext(ctx, `BEGIN IMMEDIATE`)
		do(t, err)
		done := make(chan error)
		go func() { done <- recorded() }()
		select {
		case err := <-done:
			t.Fatalf("%v beside a writer", err)
		case <-time.After(250 * time.Millisecond):
		}
		_, err = conn.ExecContext(ctx, `ROLLBACK`)
		do(t, err)
		do(t, <-done)
	}
	while(func() error { return sender.Intent(ctx, d[0], []byte("bytes")) })
	while(sender.Sent(ctx, d[0].ID, "250 OK"))
	wantStates(t, s, i, digest.Sent)
}

// D3: a message that was in doubt and is not sent again says so to the end: somebody may have it.
func TestD3DoubtIsNotForgotten(t *testing.T) {
	s, c, i, crashed := outgoing(t, 5)
	ctx := context.Background()
	all := claim(t, crashed, 5)
	for _, d := range all {
		do(t, crashed.Intent(ctx, d, []byte("bytes")))
	}
	sender := s.Sender("second", hold)
	_, err := sender.Recover(ctx)
	do(t, err)
	c.t = c.t.Add(hold)
	do(t, s.RemoveSubscriber(ctx, all[0].Address))
	d := claim(t, sender, 5)
	if len(d) != 4 {
		t.Fatalf("claimed %d, want the four who stayed", len(d))
	}
	do(t, s.RemoveSubscriber(ctx, d[0].Address))
	if err := sender.Intent(ctx, d[0], d[0].Message); err == nil {
		t.Error("an intent for somebody who left")
	}
	do(t, sender.Fail(ctx, d[1], "550 nobody", true))
	do(t, sender.Refuse(ctx, d[2], "550 not you", store.ForUs))
	do(t, sender.Intent(ctx, d[3], d[3].Message))
	do(t, sender.Sent(ctx, d[3].ID, "250 OK")())
	rows, err := s.Deliveries(ctx, store.DeliveryQuery{Issue: i.Ref, Limit: 10})
	do(t, err)
	for _, row := range rows {
		if doubtful := strings.Contains(row.Reply, "may have arrived"); doubtful != (row.State != digest.Sent) {
			t.Errorf("%s is %s: %q", row.Address, row.State, row.Reply)
		}
	}
}

// D3: with the policy to hold, what the operator wants to be sent again is, though the server is away meanwhile.
func TestD3ResolvedIsSentUnderHold(t *testing.T) {
	s, _, i, _ := outgoing(t, 1)
	ctx := context.Background()
	holding := s.Sender("first", 0)
	d := claim(t, holding, 1)[0]
	do(t, holding.Intent(ctx, d, []byte("bytes")))
	do(t, holding.Doubt(ctx, d.ID, "lost"))
	if n, err := s.Resolve(ctx, i.Ref, store.ResolveResend, nil); err != nil || n != 1 {
		t.Fatalf("%d resolved (%v), want 1", n, err)
	}
	do(t, holding.Release(ctx, claim(t, holding, 1)[0].ID))
	next := s.Sender("second", 0)
	_, err := next.Recover(ctx)
	do(t, err)
	again := claim(t, next, 1)
	if len(again) != 1 || string(again[0].Message) != "bytes" {
		t.Fatalf("claimed %+v, want it with its bytes", again)
	}
	do(t, next.Release(ctx, again[0].ID))
	do(t, s.Cancel(ctx, i.Ref, "enough"))
	wantStates(t, s, i, digest.InDoubt)
}
