package files

import (
	"cmp"
	"math"
)

// InvFreq returns the inverse frequencies of RoPE, HeadDim/2 of them, and the
// factor the cosines and sines are multiplied with. Every step is rounded to
// fp32 in the order of transformers' modeling_rope_utils.py, whose tensors are
// fp32: in long contexts the rounding of a frequency shows.
func (c Config) InvFreq() ([]float32, float64) {
	periods := make([]float32, c.HeadDim/2)
	for i := range periods {
		exponent := float32(2*i) / float32(c.HeadDim)
		periods[i] = float32(math.Pow(float64(float32(c.RopeTheta)), float64(exponent)))
	}
	freqs := make([]float32, len(periods))
	for i, p := range periods {
		freqs[i] = 1 / p
	}
	switch r := c.RopeScaling; r.Type {
	case RopeLinear:
		for i := range freqs {
			freqs[i] /= float32(r.Factor)
		}
	case RopeLlama3:
		r.llama3(freqs)
	case RopeYarn:
		r.yarn(freqs, periods, c.RopeTheta)
		return freqs, r.yarnAttention()
	}
	return freqs, 1
}

// llama3 divides long wavelengths by the factor, keeps short ones, and
// interpolates between.
func (r RopeScaling) llama3(freqs []float32) {
	context := float64(r.OriginalContext)
	long, short := float32(context/r.LowFreqFactor), float32(context/r.HighFreqFactor)
	factor := float32(r.Factor)
	for i, f := range freqs {
		wavelength := float32(1/f) * float32(2*math.Pi)
		switch {
		case wavelength > long:
			freqs[i] = f / factor
		case wavelength >= short:
			turns := float32(float32(1/wavelength) * float32(context))
			smooth := (turns - float32(r.LowFreqFactor)) / float32(r.HighFreqFactor-r.LowFreqFactor)
			stretched := float32((1-smooth)*f) / factor
			freqs[i] = stretched + float32(smooth*f)
		}
	}
}

// yarn interpolates from the unscaled frequencies of the fast dimensions to
// the stretched ones of the slow dimensions (arXiv 2309.00071, section 3.2).
func (r RopeScaling) yarn(freqs, periods []float32, theta float64) {
	dim := float64(2 * len(freqs))
	boundary := func(rotations float64) float64 {
		return dim * math.Log(float64(r.OriginalContext)/(rotations*2*math.Pi)) / (2 * math.Log(theta))
	}
	low, high := boundary(cmp.Or(r.BetaFast, 32)), boundary(cmp.Or(r.BetaSlow, 1))
	if r.Truncate {
		low, high = math.Floor(low), math.Ceil(high)
	}
	low, high = max(low, 0), min(high, dim-1)
	if low == high {
		high += 0.001
	}
	for i := range freqs {
		ramp := (float32(i) - float32(low)) / float32(high-low)
		keep := 1 - min(max(ramp, 0), 1)
		stretched := 1 / float32(float32(r.Factor)*periods[i])
		freqs[i] = float32(stretched*(1-keep)) + float32(freqs[i]*keep)
	}
}

// yarnAttention is the temperature YaRN puts on the logits, as a factor on
// both cosines and sines.
func (r RopeScaling) yarnAttention() float64 {
	mscale := func(weight float64) float64 {
		if r.Factor <= 1 {
			return 1
		}
		return 0.1*weight*math.Log(r.Factor) + 1
	}
	switch {
	case r.AttentionFactor != 0:
		return r.AttentionFactor
	case r.MScale != 0 && r.MScaleAllDim != 0:
		return mscale(r.MScale) / mscale(r.MScaleAllDim)
	default:
		return mscale(1)
	}
}
