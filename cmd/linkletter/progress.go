package main

import (
	"os"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress gives what draws a bar of long work on standard error: the returned function tells it how far the work is. It
// is nil where standard error is no terminal.
func (p *program) progress(what string) func(done, total int) {
	f, ok := p.err.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	var bar *progressbar.ProgressBar
	return func(done, total int) {
		if bar == nil {
			if total < 2 {
				return // done before anybody could look
			}
			bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(f), progressbar.OptionSetDescription(what),
				progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish())
		}
		// A bar that cannot be drawn is no reason to stop the work.
		bar.ChangeMax(total)
		_ = bar.Set(done)
		if done >= total {
			_ = bar.Finish()
		}
	}
}

// rowProgress is progress for rows of a file, by the bytes that were read of it; a total of 0 is not known.
func (p *program) rowProgress(what string) func(done, total, rows int) {
	f, ok := p.err.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	var bar *progressbar.ProgressBar
	return func(done, total, rows int) {
		if bar == nil {
			if total == 0 {
				total = -1
			}
			bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(f), progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish())
		}
		// A bar that cannot be drawn is no reason to stop the work.
		bar.Describe(what + " " + count(rows, "row", "rows"))
		_ = bar.Set(done)
		if total > 0 && done >= total {
			_ = bar.Finish()
		}
	}
}
