package source_test

import (
	"context"
	"testing"

	"linkletter/cmd/internal/source"
)

func fetch(t testing.TB, s *source.Source, location, validators string) *source.Fetched {
	t.Helper()
	got, err := s.Fetch(context.Background(), source.Locate(location), validators)
	if err != nil {
		t.Fatal(err)
	}
	return got
}
