package deliver

import (
	"context"
	"runtime"
	"sync"
	"testing"
)

// weigher accepts every message, and now and then looks at how much memory is in use.
type weigher struct {
	mu    sync.Mutex
	seen  int
	heavy uint64 // the most, in bytes
}

func (w *weigher) Deliver(_ context.Context, _, _ string, _ []byte, beforeDot func() error) (string, error) {
	if err := beforeDot(); err != nil {
		return "", err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.seen++; w.seen%250 == 0 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		w.heavy = max(w.heavy, m.HeapAlloc)
	}
	return "250 ok", nil
}

func (w *weigher) Close() error { return nil }

// D8: memory does not grow with the number of subscribers.
func TestMemoryIsFlat(t *testing.T) {
	weigh := func(subscribers int) uint64 {
		w := newWorld(t, subscribers)
		var all weigher
		d := w.deliverer(w.store, func(context.Context) (Conn, error) { return &all, nil })
		d.Connections = 16
		w.freeze(d)
		if got, err := d.Run(t.Context(), nil); err != nil || got.Sent != subscribers {
			t.Fatalf("%+v (%v), want %d sent", got, err, subscribers)
		}
		return all.heavy
	}
	const few, many, perSubscriber = 500, 5000, 150
	weigh(few) // what is made once for all is made
	light, heavy := weigh(few), weigh(many)
	if grown := int64(heavy) - int64(light); grown > (many-few)*perSubscriber {
		t.Errorf("%d subscribers need %d bytes and %d need %d: %d bytes more for each, want less than %d",
			few, light, many, heavy, grown/(many-few), perSubscriber)
	} else {
		t.Logf("%d bytes for %d, %d for %d", light, few, heavy, many)
	}
}
