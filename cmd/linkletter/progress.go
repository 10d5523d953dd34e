package main

import (
	"os"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress draws a bar on standard error when that is a terminal and there is more than one step. The returned function
// tells it how far the work is.
func (p *program) progress(what string, total int) func(done, total int) {
	f, ok := p.err.(*os.File)
	if !ok || total < 2 || !term.IsTerminal(int(f.Fd())) {
		return func(int, int) {}
	}
	bar := progressbar.NewOptions(total,
		progressbar.OptionSetWriter(f),
		progressbar.OptionSetDescription(what),
		progressbar.OptionShowCount(),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionClearOnFinish(),
	)
	return func(done, total int) {
		// A bar that cannot be drawn is no reason to stop the work.
		bar.ChangeMax(total)
		_ = bar.Set(done)
		if done >= total {
			_ = bar.Finish()
		}
	}
}
