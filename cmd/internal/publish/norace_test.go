//go:build !race

package publish

// raceDetector says that everything takes ten times as long, so that some of it has to do.
const raceDetector = false
