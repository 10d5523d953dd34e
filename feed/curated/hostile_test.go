package curated

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
)

// attack is a document that a careless reader takes time quadratic in.
type attack struct {
	src     string
	entries int // that it holds
}

// hostile writes documents, each n times the same.
func hostile(n int) map[string]attack {
	rep := func(s string) string { return strings.Repeat(s, n) }
	// num repeats a line in which each %d is the number of the line.
	num := func(format string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(strings.ReplaceAll(format, "%d", fmt.Sprint(i)))
		}
		return b.String()
	}
	deep := func(indent, s string) string {
		var b strings.Builder
		for i := range min(n, 1000) {
			b.WriteString(strings.Repeat(indent, i) + strings.ReplaceAll(s, "%d", fmt.Sprint(i)))
		}
		return b.String()
	}
	var ticks strings.Builder
	for i := range min(n, 1500) {
		ticks.WriteString("a" + strings.Repeat("`", i))
	}
	const item, item2 = "- [abc](http://b.example) ", "[abc](http://b.example) "
	return map[string]attack{
		"destinations":   {rep("[a](<b"), 0},
		"destinations 2": {rep("[a](<b\n"), 0},
		"bare":           {rep("[a](b"), 0},
		"parentheses":    {rep("[a](((((\n"), 0},
		"title":          {rep("[a](b \"c\n"), 0},
		"title 2":        {rep("[a](b (c\n"), 0},
		"images":         {rep("![a]("), 0},
		"images 2":       {rep("![a](\n"), 0},
		"images 3":       {rep("![[]()"), 0},
		"brackets":       {rep("["), 0},
		"brackets 2":     {rep("[") + "a" + rep("]"), 0},
		"brackets 3":     {rep("[") + "a" + rep("](b)"), 1},
		"brackets 4":     {rep("[\n") + rep("]\n"), 0},
		"brackets 5":     {rep("]([\n"), 0},
		"closing":        {rep("](a)"), 0},
		"open lines":     {rep("[a\n"), 0},

		"references":    {num("- [r%d][%d] - x\n") + "\n" + num("[%d]: http://e.example/%d\n"), n},
		"references 2":  {num("[r%d][%d] - x\n") + "\n" + num("[%d]: http://e.example/%d\n"), n},
		"references 3":  {num("- [r%d][k] - x\n") + "\n[k]: http://e.example\n", 1},
		"references 4":  {num("- [r%d][%d] - x\n") + "\n" + num("> [%d]: http://e.example/%d\n"), n},
		"references 5":  {num("- [r%d][%d] - x\n") + "\n" + num("[%d]:\n  http://e.example/%d\n"), n},
		"definitions":   {rep("[a]: b\n"), 0},
		"definitions 2": {rep("[a]: b 'c\n"), 0},
		"definitions 3": {rep("[a]: b\n'c\n"), 0},

		"quotes":      {rep(">") + "a", 0},
		"quotes 2":    {rep("> ") + "a", 0},
		"bullets":     {rep("- ") + "a", 0},
		"numbers":     {rep("1. ") + "a", 0},
		"numbers 2":   {rep("- 1) > ") + "a", 0},
		"deep":        {deep("  ", "- [abc](http://a.example/%d)\n"), min(n, 1000)},
		"deep 2":      {deep("   ", "1. [abc](http://a.example/%d)\n"), min(n, 1000)},
		"empty lines": {deep("  ", "- a\n") + rep("\n") + item, 1},

		"emphasis":      {rep("*a _b "), 0},
		"emphasis 2":    {rep("*a **a_\n"), 0},
		"emphasis 3":    {rep("*a ") + rep("b_ "), 0},
		"emphasis 4":    {"a**b" + rep("c* "), 0},
		"emphasis 5":    {rep("*a **b ") + rep("c** d*"), 0},
		"strikethrough": {rep("~a ~~b "), 0},
		"code":          {ticks.String(), 0},

		"tags":          {rep("<a href=\""), 0},
		"tags 2":        {rep("x <a b='c"), 0},
		"tags 3":        {"x <a" + rep(" b=c"), 0},
		"tags 4":        {rep("x <a\n b=\"\n"), 0},
		"comments":      {"a " + rep("<!-- "), 0},
		"instructions":  {"a " + rep("<? <!A <![CDATA[ "), 0},
		"html lines":    {rep("<b><a href=x>abc</a> - z<br>"), 1},
		"html items":    {num("<li><a href=http://b.example/%d>abc</a> - x\n"), n},
		"html links":    {rep("<a href=http://b.example>abc"), 0},
		"html describe": {"<p><a href=http://b.example>abc</a> - x<br>" + rep("text<br>"), 1},
		"details":       {rep("<details><summary>x</summary>\n\n") + item + "\n", 1},

		"table":   {rep("|a") + "|\n" + rep("|-") + "|\n" + rep("|\n"), 0},
		"table 2": {strings.Repeat("|a", 60) + "|\n" + strings.Repeat("|-", 60) + "|\n" + rep("|\n"), 0},
		"table 3": {"|a|b|\n|-|-|\n" + num("|[abc](http://b.example/%d)|`a\\|b`|\n"), n},
		"table 4": {rep("a|b\n|-|-|-|\n"), 0},

		"table 5": {"|a|b|\n|-|-|\n|" + rep(item2) + "|x|\n", 1},

		"addresses":   {rep("www."), 0},
		"addresses 4": {rep("www._"), 0},
		"addresses 2": {rep("*http://a.b"), 0},
		"addresses 3": {"http://a.example/" + rep(")"), 1},
		"mail":        {rep("a@a_"), 0},
		"mail 2":      {rep("a_") + "@", 0},

		"headings":   {rep("# [abc](http://b.example)\n\n"), 1},
		"headings 2": {num("# s%d\n\n" + item + "\n\n"), 1},
		"underline":  {rep("a\n") + "===\n", 0},

		"links":         {"- " + rep(item2[:23]+", "), 1},
		"links 2":       {"- " + num("[abc%d](http://b.example/%d), ") + rep("word "), n},
		"lines":         {num("[abc](http://b.example/%d) - x  \n"), n},
		"wrapped":       {rep("[abc](http://b.example) x\n"), 1},
		"groups":        {item + rep("([x](y) "), 1},
		"groups 2":      {item + rep("(") + rep("*a* ("), 1},
		"descriptions":  {item + "- x\n\n" + rep("  more text\n\n"), 1},
		"details of it": {item + "\n" + rep("  - [pdf](http://b.example/p)\n"), 1},
		"colons":        {item + rep(":a"), 1},
		"archives":      {"- [abc](" + rep("http://web.archive.org/web/1/") + ")", 0},
		"names":         {item + rep("by A, "), 1},
		"long title":    {"# " + rep("x") + "\n\n" + num("- [abc](http://b.example/%d)\n"), n},
		"same title":    {num("- [Same title](http://b.example/%d) - x\n"), n},
		"same summary":  {num("- [T%d](http://b.example/%d) - One summary for all of them, and long enough to be a name.\n"), n},
	}
}

// TestHostile reads documents that take minutes where anything is quadratic.
func TestHostile(t *testing.T) {
	for name, a := range hostile(10000) {
		t.Run(name, func(t *testing.T) {
			got := Parse([]byte(a.src), Options{})
			if len(got.Entries) != a.entries {
				t.Errorf("%d entries, want %d", len(got.Entries), a.entries)
			}
			if diff := tell(Diff(Remember(got), Parse([]byte(a.src), Options{}))); diff != "" {
				t.Errorf("a list differs from itself: %.200s", diff)
			}
		})
	}
}

// TestHostileMoves compares lists in which all that has one name moved.
func TestHostileMoves(t *testing.T) {
	const n = 20000
	for line, added := range map[string]int{
		"- [Same title](http://%s.example/%d) - x\n": 0,
		// A summary that several share is a template and names none of them.
		"- [T%[2]d%[1]s](http://%[1]s.example/%[2]d) - One summary for all of them, and long enough to be a name.\n": n,
	} {
		write := func(host string) *List {
			var b strings.Builder
			b.WriteString("# " + host + "\n\n## " + host + "\n\n")
			for i := range n {
				fmt.Fprintf(&b, line, host, i)
			}
			return Parse([]byte(b.String()), Options{})
		}
		c := Diff(Remember(write("was")), write("is"))
		if len(c.Added()) != added || len(c.Removed) != added || len(c.Entries) != n {
			t.Errorf("%q: %d of %d entries are new, %d removed, want %d", line, len(c.Added()), len(c.Entries), len(c.Removed), added)
		}
	}
}

// BenchmarkHostile reads hostile documents: "growth" is how many times as long one takes that is four times as long, 4 where
// time is linear; "goldmark-ratio" and "cmark-ratio" are how many times as long it takes as goldmark as it comes does (with
// the shorter document: much of this is quadratic there) and as cmark-gfm does, where that is installed and comes to an end.
func BenchmarkHostile(b *testing.B) {
	const n = 10000
	alone := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser()
	long := hostile(4 * n)
	for name, short := range hostile(n) {
		b.Run(name, func(b *testing.B) {
			var at, at4, theirs cost
			for b.Loop() {
				at.measure(func() { readAndCompare(short.src) })
				at4.measure(func() { readAndCompare(long[name].src) })
				theirs.measure(func() { alone.Parse(text.NewReader([]byte(short.src))) })
			}
			b.ReportMetric(at4.median().Seconds(), "s")
			b.ReportMetric(float64(at4.median())/float64(at.median()), "growth")
			b.ReportMetric(float64(at.median())/float64(theirs.median()), "goldmark-ratio")
			if cmark := cmarkTime(b.Context(), long[name].src); cmark > 0 {
				b.ReportMetric(float64(at4.median())/float64(cmark), "cmark-ratio")
			}
		})
	}
}

func readAndCompare(src string) {
	l := Parse([]byte(src), Options{})
	Diff(Remember(l), l)
}

// cmarkTime is how long cmark-gfm takes to render a document; 0 when it is not installed, or does not come to an end.
func cmarkTime(ctx context.Context, src string) time.Duration {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "cmark-gfm", "-e", "table", "-e", "strikethrough", "-e", "autolink")
	cmd.Stdin = strings.NewReader(src)
	start := time.Now()
	if err := cmd.Run(); err != nil {
		return 0
	}
	return time.Since(start)
}
