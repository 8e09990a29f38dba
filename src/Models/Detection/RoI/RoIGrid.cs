namespace Tessera.Models.Detection.RoI;

/// <summary>How a region is cut out of a map.</summary>
/// <param name="OutputSize">Bins along each side.</param>
/// <param name="SamplingRatio">Samples of a bin along each side; 0: as many as the bin has pixels, rounded up.</param>
/// <param name="Aligned">Pixels' centres lie at halves (Detectron2, MMDetection); otherwise at whole numbers, and a region is at least a
/// pixel wide and high (the paper's, torchvision's detectors).</param>
public readonly record struct RoIGrid(int OutputSize, int SamplingRatio = 0, bool Aligned = true);
