package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rlkd/rlkd/reward"
)

// gate is a scorer that waits until it is told to go on.
type gate struct {
	inner   Scorer
	entered chan int      // rows of each batch that begins
	pass    chan struct{} // a token lets one batch go on
	mu      sync.Mutex
	ended   []error
}

func newGate(inner Scorer) *gate {
	return &gate{inner: inner, entered: make(chan int, 100), pass: make(chan struct{}, 100)}
}

func (g *gate) Score(ctx context.Context, items []reward.Item) ([]reward.Score, error) {
	g.entered <- len(items)
	select {
	case <-g.pass:
	case <-ctx.Done():
		g.mu.Lock()
		g.ended = append(g.ended, ctx.Err())
		g.mu.Unlock()
		return nil, ctx.Err()
	}
	return g.inner.Score(ctx, items)
}

// eventually waits for what other goroutines do.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for range 5000 {
		if is() {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("never happened: %s", what)
}

// TestQueue fills the queue behind a batch that does not end: what waits is scored together,
// what does not fit is refused, and each request gets its own rows.
func TestQueue(t *testing.T) {
	o := DefaultOptions()
	o.Queue, o.MaxRows, o.Batch = 4, 4, 3
	g := newGate(rules(t))
	s, url := start(t, o, g)
	type reply struct {
		status int
		body   string
	}
	send := func(body string) chan reply {
		c := make(chan reply, 1)
		go func() {
			status, body, _ := post(t, url+"/score", body)
			c <- reply{status, body}
		}()
		return c
	}
	right, wrong := quoted("5", teacher, teacher), quoted("5", teacher, "no")
	first := send(right)
	if n := <-g.entered; n != 1 {
		t.Fatalf("the first batch has %d rows", n)
	}
	var waiting []chan reply
	for i := range 4 {
		waiting = append(waiting, send([]string{right, wrong}[i%2]))
		eventually(t, "queued", func() bool { return s.queue.length() == i+1 })
	}
	status, body, header := post(t, url+"/score", right)
	if status != 429 || header.Get("Retry-After") == "" || !strings.Contains(body, "queue is full") {
		t.Errorf("a full queue: %d %s, Retry-After %q", status, body, header.Get("Retry-After"))
	}
	if status, _ := get(t, url+"/healthz"); status != 200 {
		t.Errorf("healthz of a full queue: %d", status)
	}
	g.pass <- struct{}{}
	if r := <-first; r.status != 200 {
		t.Errorf("the first: %d %s", r.status, r.body)
	}
	sizes := []int{<-g.entered}
	g.pass <- struct{}{}
	sizes = append(sizes, <-g.entered)
	g.pass <- struct{}{}
	if !slices.Equal(sizes, []int{3, 1}) {
		t.Errorf("batches of %v rows, want 3 and 1", sizes)
	}
	for i, c := range waiting {
		r := <-c
		var row struct{ Reward float64 }
		if err := json.Unmarshal([]byte(r.body), &row); err != nil || row.Reward != []float64{50, 0}[i%2] {
			t.Errorf("request %d: %d %s", i, r.status, r.body)
		}
	}
	_, page := get(t, url+"/metrics")
	for _, want := range []string{
		`rlkd_requests_total{path="/score",status="200"} 5`, `rlkd_requests_total{path="/score",status="429"} 1`,
		"rlkd_rows_scored_total 5", "rlkd_queue_rows 0", "rlkd_batch_rows_count 3",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
}

// TestQueueBytes fills the queue with few rows that are long.
func TestQueueBytes(t *testing.T) {
	q := newQueue(100, 10, 1000, newMetrics())
	q.open()
	add := func(bytes int) error {
		items := []reward.Item{{Completion: strings.Repeat("x", bytes)}}
		return q.add(&job{ctx: t.Context(), items: items, size: sizeOf(items)})
	}
	if err := add(2000); err != nil { // the first always fits
		t.Error(err)
	}
	if err := add(1); !errors.Is(err, errFull) {
		t.Errorf("got %v", err)
	}
	if jobs := q.take(); len(jobs) != 1 || q.items != 0 || q.bytes != 0 {
		t.Errorf("took %d jobs, %d rows and %d bytes are left", len(jobs), q.items, q.bytes)
	}
	if err := add(900); err != nil || !errors.Is(add(200), errFull) {
		t.Errorf("got %v", err)
	}
}

// TestMissingIsCounted checks the counter of causes.
func TestMissingIsCounted(t *testing.T) {
	_, url := start(t, DefaultOptions(), rules(t))
	post(t, url+"/score", quoted("5", "", teacher))
	if _, page := get(t, url+"/metrics"); !strings.Contains(page, `rlkd_missing_total{cause="teacher",part="structure"} 1`) {
		t.Errorf("metrics:\n%s", page)
	}
}

// TestDeadline lets a batch take longer than a request may: the answer is 504, and scoring
// ends when nobody waits for it.
func TestDeadline(t *testing.T) {
	o := DefaultOptions()
	o.Timeout = 20 * time.Millisecond
	g := newGate(rules(t))
	_, url := start(t, o, g)
	status, body, _ := post(t, url+"/score", quoted("5", teacher, teacher))
	if status != 504 || !strings.Contains(body, "not scored within 20ms") {
		t.Errorf("got %d %s", status, body)
	}
	eventually(t, "the scorer is told to stop", func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return len(g.ended) == 1 && errors.Is(g.ended[0], context.Canceled)
	})
}

// broken panics on the text "panic" and fails to score the text "short".
type broken struct{ Scorer }

func (b broken) Score(ctx context.Context, items []reward.Item) ([]reward.Score, error) {
	switch items[0].Completion {
	case "panic":
		panic("index out of range")
	case "short":
		return nil, nil
	}
	return b.Scorer.Score(ctx, items)
}

func TestServerSurvivesFaults(t *testing.T) {
	_, url := start(t, DefaultOptions(), broken{rules(t)})
	for _, text := range []string{"panic", "short"} {
		if status, body, _ := post(t, url+"/score", quoted("5", teacher, text)); status != 500 || !strings.Contains(body, "internal error") {
			t.Errorf("%s: %d %s", text, status, body)
		}
	}
	if status, body, _ := post(t, url+"/score", quoted("5", teacher, "c")); status != 200 {
		t.Errorf("after a fault: %d %s", status, body)
	}
}

func TestRequestID(t *testing.T) {
	_, url := start(t, DefaultOptions(), rules(t))
	for given, kept := range map[string]bool{"run-7.step_3": true, "": false, "two words": false, strings.Repeat("x", 65): false} {
		_, _, header := post(t, url+"/score", quoted("5", teacher, "c"), "X-Request-ID", given)
		if got := header.Get("X-Request-ID"); (got == given) != kept || got == "" {
			t.Errorf("%q came back as %q", given, got)
		}
	}
}

// TestLifecycle loads, serves, and stops with a request in the queue, which is answered.
func TestLifecycle(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + l.Addr().String()
	g := newGate(rules(t))
	loaded := make(chan struct{})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	s := New(DefaultOptions())
	ended := make(chan error, 1)
	go func() {
		ended <- s.Serve(ctx, l, func(work func(Scorer)) error {
			<-loaded
			work(g)
			return nil
		})
	}()
	if status, body := get(t, url+"/healthz"); status != 503 || !strings.Contains(body, "being loaded") {
		t.Errorf("healthz while loading: %d %s", status, body)
	}
	if status, _, header := post(t, url+"/score", quoted("5", teacher, teacher)); status != 503 || header.Get("Retry-After") == "" {
		t.Errorf("score while loading: %d", status)
	}
	close(loaded)
	eventually(t, "ready", func() bool { status, _ := get(t, url+"/healthz"); return status == 200 })

	answers := make(chan string, 2)
	ask := func() {
		_, body, _ := post(t, url+"/score", quoted("5", teacher, teacher))
		answers <- body
	}
	go ask()
	<-g.entered
	go ask()
	eventually(t, "one is scored, one waits", func() bool { return s.queue.length() == 1 })
	stop()
	eventually(t, "no new connections", func() bool {
		c, err := net.Dial("tcp", l.Addr().String())
		if err == nil {
			c.Close()
		}
		return err != nil
	})
	g.pass <- struct{}{}
	g.pass <- struct{}{}
	for range 2 {
		if body := <-answers; !strings.Contains(body, `"reward":50`) {
			t.Errorf("while stopping: %s", body)
		}
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestLoadFails(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	want := errors.New("no such model")
	if err := New(DefaultOptions()).Serve(t.Context(), l, func(func(Scorer)) error { return want }); !errors.Is(err, want) {
		t.Errorf("got %v", err)
	}
}

// TestGarbage sends bytes that are no request: the server must answer the next one.
func TestGarbage(t *testing.T) {
	_, url := start(t, DefaultOptions(), rules(t))
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write(append([]byte("POST /score HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n"), bytes.Repeat([]byte{0}, 10)...)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if status, _, _ := post(t, url+"/score", quoted("5", teacher, "c")); status != 200 {
		t.Errorf("status %d", status)
	}
}
