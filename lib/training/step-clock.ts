/** Measures how fast steps go, to size the calls and to tell the time left. Recent calls count most. */
export class StepClock {
  private secondsAStep = 0;
  private samplesAStep = 0;

  add(steps: number, samples: number, seconds: number): void {
    // The first call also plans memory and packs weights: what follows soon outweighs it.
    const weight = this.secondsAStep === 0 ? 1 : 0.3;
    this.secondsAStep += weight * (seconds / steps - this.secondsAStep);
    this.samplesAStep += weight * (samples / steps - this.samplesAStep);
  }

  /** As many steps as take about a second, at least one. */
  stepsASecond(): number {
    return this.secondsAStep === 0 ? 1 : Math.max(1, Math.round(1 / this.secondsAStep));
  }

  secondsPerStep(): number {
    return this.secondsAStep;
  }

  samplesPerSecond(): number {
    return this.secondsAStep === 0 ? 0 : this.samplesAStep / this.secondsAStep;
  }
}
