package serve

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/rlkd/rlkd/reward"
	"github.com/sirupsen/logrus"
)

// refusal is a request's answer when it has none: a status and a line that says why. Row is
// nil where it is about no row.
type refusal struct {
	status int
	Error  string `json:"error"`
	Row    *int   `json:"row,omitempty"`
	Key    string `json:"key,omitempty"`
}

func refuse(status int, format string, args ...any) *refusal {
	return &refusal{status: status, Error: fmt.Sprintf(format, args...)}
}

// in says which row and key it is about.
func (r *refusal) in(row int, key string) *refusal {
	r.Row, r.Key = &row, key
	return r
}

// Handler returns what answers the server's requests.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/score", s.answering("POST", s.handleScore))
	mux.Handle("/get_reward", s.answering("POST", s.handleReward))
	mux.Handle("/healthz", s.answering("GET", s.handleHealth))
	exposed := promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{})
	mux.HandleFunc("/metrics", func(w http.ResponseWriter, r *http.Request) {
		if no := s.authorize(r); no != nil {
			write(w, no.status, no)
			return
		}
		exposed.ServeHTTP(w, r)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		write(w, http.StatusNotFound, refuse(404, "no such path; there are /score, /get_reward, /healthz and /metrics"))
	})
	return mux
}

// handler answers a request with a value to write as JSON, or refuses it.
type handler func(r *http.Request) (any, *refusal)

// answering is what all requests have in common: an id, the time limit, the counters, a line in
// the log, and JSON as the answer.
func (s *Server) answering(method string, h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		id := s.requestID(r)
		w.Header().Set("X-Request-ID", id)
		ctx, cancel := context.WithTimeout(r.Context(), s.options.Timeout)
		defer cancel()
		r = r.WithContext(ctx)

		var answer any
		var no *refusal
		if r.Method != method {
			w.Header().Set("Allow", method)
			no = refuse(http.StatusMethodNotAllowed, "want %s, got %s", method, r.Method)
		} else {
			r.Body = http.MaxBytesReader(w, r.Body, s.options.MaxBody)
			answer, no = h(r)
		}
		status := http.StatusOK
		if no != nil {
			status, answer = no.status, no
			if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
				w.Header().Set("Retry-After", strconv.Itoa(s.queue.retryAfter()))
			}
			if status == http.StatusUnauthorized {
				w.Header().Set("WWW-Authenticate", "Bearer")
			}
		}
		write(w, status, answer)

		took := time.Since(began)
		s.metrics.requests.WithLabelValues(r.URL.Path, strconv.Itoa(status)).Inc()
		s.metrics.latency.WithLabelValues(r.URL.Path).Observe(took.Seconds())
		line := logrus.WithFields(logrus.Fields{"id": id, "path": r.URL.Path, "status": status, "took": took.Round(time.Microsecond), "from": r.RemoteAddr})
		if no != nil {
			line = line.WithField("error", no.Error)
		}
		line.Debug("request")
	})
}

// write sends a value as one line of JSON. That the client is gone is nobody's concern.
func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(v)
}

// requestID is the id that the client gave, if it is one that can stand in a log, or a new one.
func (s *Server) requestID(r *http.Request) string {
	id := r.Header.Get("X-Request-ID")
	ok := id != "" && len(id) <= 64
	for _, c := range id {
		ok = ok && (c == '-' || c == '_' || c == '.' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z')
	}
	if ok {
		return id
	}
	return rand.Text()[:12]
}

// authorize compares the token in a time that says nothing about it.
func (s *Server) authorize(r *http.Request) *refusal {
	if s.options.Token == "" {
		return nil
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	got, want := sha256.Sum256([]byte(strings.TrimSpace(token))), sha256.Sum256([]byte(s.options.Token))
	if !strings.EqualFold(scheme, "Bearer") || subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
		return refuse(http.StatusUnauthorized, "want the header Authorization: Bearer and the server's token")
	}
	return nil
}

func (s *Server) handleHealth(*http.Request) (any, *refusal) {
	if err := s.queue.accepts(); err != nil && !errors.Is(err, errFull) {
		return nil, refuse(http.StatusServiceUnavailable, "%v", err)
	}
	return map[string]string{"status": "ok"}, nil
}

// body reads a request that is allowed and that there is room for.
func (s *Server) body(r *http.Request) ([]byte, *refusal) {
	if no := s.authorize(r); no != nil {
		return nil, no
	}
	if err := s.queue.accepts(); err != nil {
		return nil, queueRefusal(err)
	}
	select {
	case s.reading <- struct{}{}:
		defer func() { <-s.reading }()
	case <-r.Context().Done():
		return nil, refuse(http.StatusTooManyRequests, "%d requests are being read; try again later", maxReading)
	}
	body, err := io.ReadAll(r.Body)
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, refuse(http.StatusRequestEntityTooLarge, "the body has more than %d bytes; send fewer rows, or start the server with a higher --max-body", large.Limit)
	case err != nil:
		return nil, refuse(http.StatusBadRequest, "the body ended early: %v", err)
	case !utf8.Valid(body):
		return nil, refuse(http.StatusBadRequest, "the body is not valid UTF-8")
	}
	return body, nil
}

func queueRefusal(err error) *refusal {
	if errors.Is(err, errFull) {
		return refuse(http.StatusTooManyRequests, "%v; try again later", err)
	}
	return refuse(http.StatusServiceUnavailable, "%v; try again later", err)
}

// scores waits for the scores of items.
func (s *Server) scores(ctx context.Context, items []reward.Item) ([]reward.Score, *refusal) {
	if len(items) > s.options.MaxRows {
		return nil, refuse(http.StatusRequestEntityTooLarge, "%d rows, more than %d; send fewer at a time, or start the server with a higher --max-rows", len(items), s.options.MaxRows)
	}
	if len(items) == 0 {
		return nil, nil
	}
	j := &job{ctx: ctx, items: items, size: sizeOf(items), done: make(chan result, 1)}
	if err := s.queue.add(j); err != nil {
		return nil, queueRefusal(err)
	}
	select {
	case r := <-j.done:
		if r.err != nil && ctx.Err() == nil {
			return nil, refuse(http.StatusInternalServerError, "%v", r.err)
		} else if r.err == nil {
			return r.scores, nil
		}
	case <-ctx.Done():
	}
	return nil, refuse(http.StatusGatewayTimeout, "not scored within %v (--timeout)", s.options.Timeout)
}
