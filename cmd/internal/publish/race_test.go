//go:build race

package publish

// raceDetector says that everything takes ten times as long.
const raceDetector = true
