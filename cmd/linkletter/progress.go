package main

import (
	"os"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// terminal is standard error where it is a terminal, on which a bar can be drawn; else nil.
func (p *program) terminal() *os.File {
	f, ok := p.err.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	return f
}

// newBar makes a bar that says how long the rest takes, and goes when all is done. A total of -1 is not known.
func newBar(f *os.File, total int, more ...progressbar.Option) *progressbar.ProgressBar {
	return progressbar.NewOptions(total, append(more, progressbar.OptionSetWriter(f), progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish())...)
}

// progress gives what draws a bar of long work on standard error: the returned function tells it how far the work is. It
// is nil where standard error is no terminal. A bar that cannot be drawn is no reason to stop the work.
func (p *program) progress(what string) func(done, total int) {
	f := p.terminal()
	if f == nil {
		return nil
	}
	var bar *progressbar.ProgressBar
	return func(done, total int) {
		if bar == nil {
			if total < 2 {
				return // done before anybody could look
			}
			bar = newBar(f, total, progressbar.OptionSetDescription(what), progressbar.OptionShowCount())
		}
		bar.ChangeMax(total)
		_ = bar.Set(done)
		if done >= total {
			_ = bar.Finish()
		}
	}
}

// rowProgress is progress for rows of a file, by the bytes that were read of it; a total of 0 is not known.
func (p *program) rowProgress(what string) func(done, total, rows int) {
	f := p.terminal()
	if f == nil {
		return nil
	}
	var bar *progressbar.ProgressBar
	return func(done, total, rows int) {
		if bar == nil {
			if total == 0 {
				total = -1
			}
			bar = newBar(f, total)
		}
		bar.Describe(what + " " + count(rows, "row", "rows"))
		_ = bar.Set(done)
		if total > 0 && done >= total {
			_ = bar.Finish()
		}
	}
}
