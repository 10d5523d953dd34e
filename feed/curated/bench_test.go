package curated

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
)

func readSeed(f *testing.F, name string) []byte {
	f.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		f.Fatal(err)
	}
	return b
}

// longList writes a list of about so many bytes, in the shapes that such lists have.
func longList(size int) []byte {
	var b strings.Builder
	b.WriteString("# A long list\n\nEverything about nothing.\n\n## Contents\n\n- [First](#first)\n\n")
	for i := 0; b.Len() < size; i++ {
		if i%40 == 0 {
			fmt.Fprintf(&b, "\n## Section %d\n\n*What section %d is about.*\n\n", i/40, i/40)
		}
		switch i % 5 {
		case 0, 1:
			fmt.Fprintf(&b, "- [Tool number %d](https://github.com/owner%d/tool%d) - Does one thing well, and does it for everybody who asks.\n", i, i%97, i)
		case 2:
			fmt.Fprintf(&b, "- [Service %d](https://service%d.example/) — A **free** plan with `%d` requests a day. ([Demo](https://demo.example/%d), [Source Code](https://code.example/%d)) `MIT`\n", i, i, i, i, i)
		case 3:
			fmt.Fprintf(&b, "  - [Plugin %d](https://github.com/owner%d/plugin%d) [![Stars](https://badge.example/%d.svg)](https://github.com/owner%d/plugin%d) - Adds to it.\n", i, i%97, i, i, i%97, i)
		case 4:
			fmt.Fprintf(&b, "- [Article %d](https://blog.example/2024/%d/an-article?utm_source=list) by Ann Author%d (12 minutes)\n", i, i, i%7)
		}
	}
	return []byte(b.String())
}

// BenchmarkParse measures Parse and Diff of lists against goldmark alone on the same bytes, with GitHub's extensions as they
// come: "ratio" is how many times as long the median run takes, "allocs-ratio" how many times as many allocations it makes.
// Known is the list itself, as in a check where little changed. Lists that are mostly raw HTML have a high ratio, because
// goldmark does not look into that.
func BenchmarkParse(b *testing.B) {
	b.Run("250KB", func(b *testing.B) { benchmarkParse(b, longList(250<<10)) })
	b.Run("10MB", func(b *testing.B) { benchmarkParse(b, longList(10<<20)) })
	for _, file := range sharedFiles("lists/*/1/after.md") {
		b.Run(filepath.Base(filepath.Dir(filepath.Dir(file))), func(b *testing.B) {
			src, err := os.ReadFile(file)
			if err != nil {
				b.Fatal(err)
			}
			benchmarkParse(b, src)
		})
	}
}

// BenchmarkReader measures the reading of a list in which one line changed, against Parse and goldmark alone.
func BenchmarkReader(b *testing.B) {
	src := longList(250 << 10)
	at := bytes.LastIndex(src[:len(src)/2], []byte("Does one thing"))
	other := bytes.Replace(src[at:], []byte("Does"), []byte("Did"), 1)
	versions := [...][]byte{src, slices.Concat(src[:at], other)}
	alone := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser()
	var r Reader
	var ours, parse, theirs cost
	n := 0
	for b.Loop() {
		n++
		file := []File{{Path: "README.md", Bytes: versions[n%2]}}
		ours.measure(func() { r.Read(file) })
		parse.measure(func() { Parse(versions[n%2], Options{}) })
		theirs.measure(func() { alone.Parse(text.NewReader(versions[n%2])) })
	}
	b.ReportMetric(float64(ours.median())/float64(parse.median()), "of-Parse")
	b.ReportMetric(float64(ours.median())/float64(theirs.median()), "of-goldmark")
}

func benchmarkParse(b *testing.B, src []byte) {
	alone := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser()
	known := Remember(Parse(src, Options{}))
	var ours, theirs cost
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		ours.measure(func() { Diff(known, Parse(src, Options{})) })
		theirs.measure(func() { alone.Parse(text.NewReader(src)) })
	}
	b.ReportMetric(float64(len(src))/1e6/ours.median().Seconds(), "MB/s")
	b.ReportMetric(float64(len(src))/1e6/theirs.median().Seconds(), "goldmark-MB/s")
	b.ReportMetric(float64(ours.median())/float64(theirs.median()), "ratio")
	b.ReportMetric(float64(ours.allocs)/float64(theirs.allocs), "allocs-ratio")
}

// cost is what the runs of something took.
type cost struct {
	times  []time.Duration
	allocs uint64
}

func (c *cost) measure(run func()) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	run()
	c.times = append(c.times, time.Since(start))
	runtime.ReadMemStats(&after)
	c.allocs += after.Mallocs - before.Mallocs
}

func (c *cost) median() time.Duration {
	slices.Sort(c.times)
	return c.times[len(c.times)/2]
}
