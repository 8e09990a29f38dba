namespace Tessera.Models.Explanation.Faithfulness;

/// <param name="Steps">Of deletion and insertion: the pixels go, or come, in so many equal parts.</param>
/// <param name="Blur">Standard deviation of the blurred image that insertion begins with, as a share of the shorter side.</param>
/// <param name="Noise">Standard deviation of what ROAD adds to imputed pixels, in units of the normalised image.</param>
/// <param name="ControlGrid">Rows and columns of the random control's independent values; as the explained layer's map, for a fair
/// control.</param>
/// <param name="BatchSize">Altered images that go through the model at once.</param>
/// <param name="Bootstrap">How often the images are drawn anew for the 95 % intervals; 0: no intervals.</param>
/// <param name="Seed">Of the control, of ties, of noise and of the drawing.</param>
public sealed record FaithfulnessOptions(
    [property: Range(2, 1000)] int Steps = 20,
    [property: Range(0.0, 1.0)] double Blur = 0.05,
    [property: Range(0.0, 10.0)] double Noise = 0.01,
    [property: Range(1, 256)] int ControlGrid = 7,
    [property: Range(1, 4096)] int BatchSize = 32,
    [property: Range(0, 1_000_000)] int Bootstrap = 1000,
    long Seed = 0
);
