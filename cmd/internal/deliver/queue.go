package deliver

import (
	"slices"
	"strings"
	"sync"

	"linkletter/store"
)

// queue is what is claimed and not with a worker yet. It hands out no more for one receiving domain than may be under way at
// once; what is over that is parked, while others go on.
type queue struct {
	limit int           // messages to one domain at once; 0: any number
	wake  chan struct{} // has a token when something became ready

	mu     sync.Mutex // guards what follows
	ready  []store.Delivery
	parked map[string][]store.Delivery // by domain; such a domain has its limit under way
	active map[string]int              // ready or under way, by domain
	weight int                         // of what is parked, in bytes
}

const (
	// maxParked bounds the memory that parked deliveries take. When it is used up, nothing is claimed until one of them can
	// go: the domain that fills it is the one that all wait for in the end.
	maxParked = 8 << 20
	// rowWeight is about what a delivery takes without a message.
	rowWeight = 400
)

func newQueue(limit int) *queue {
	return &queue{limit: limit, wake: make(chan struct{}, 1), parked: map[string][]store.Delivery{}, active: map[string]int{}}
}

// add takes in what was claimed.
func (q *queue) add(claimed []store.Delivery) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, job := range claimed {
		domain := domainOf(job)
		if q.limit > 0 && q.active[domain] >= q.limit {
			q.parked[domain] = append(q.parked[domain], job)
			q.weight += rowWeight + len(job.Message)
			continue
		}
		q.active[domain]++
		q.ready = append(q.ready, job)
	}
}

// finished says that a delivery is not under way any more, which may let a parked one go.
func (q *queue) finished(job store.Delivery) {
	q.mu.Lock()
	defer q.mu.Unlock()
	domain := domainOf(job)
	waiting := q.parked[domain]
	if len(waiting) == 0 {
		if q.active[domain]--; q.active[domain] == 0 {
			delete(q.active, domain)
		}
		return
	}
	q.ready = append(q.ready, waiting[0])
	q.weight -= rowWeight + len(waiting[0].Message)
	waiting[0] = store.Delivery{} // its message is not kept by the slice
	if q.parked[domain] = waiting[1:]; len(waiting) == 1 {
		delete(q.parked, domain)
	}
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// next gives the delivery whose turn it is, without taking it.
func (q *queue) next() (job store.Delivery, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.ready) == 0 {
		return store.Delivery{}, false
	}
	return q.ready[0], true
}

// take removes the delivery that next gave.
func (q *queue) take() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ready = q.ready[1:]
}

// full says that no more can be parked.
func (q *queue) full() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.weight >= maxParked
}

// rest gives all that no worker has.
func (q *queue) rest() []store.Delivery {
	q.mu.Lock()
	defer q.mu.Unlock()
	rest := slices.Clone(q.ready) // workers go on with the queue's own
	for _, jobs := range q.parked {
		rest = append(rest, jobs...)
	}
	return rest
}

// empty says that workers have all there is.
func (q *queue) empty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.ready) == 0 && len(q.parked) == 0
}

// domainOf is where a delivery goes.
func domainOf(job store.Delivery) string {
	return strings.ToLower(job.Address[strings.LastIndexByte(job.Address, '@')+1:])
}
