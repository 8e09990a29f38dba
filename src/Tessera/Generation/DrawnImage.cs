using Tessera.Framework.Data;

namespace Tessera.Generation;

/// <summary>An image that a model drew.</summary>
/// <param name="Pixels">H x W x C, uint8, RGB where there are three channels.</param>
/// <param name="Label">The class that was asked for.</param>
/// <param name="Seed">Of its noise: the same model, class and seed give the same image.</param>
/// <param name="Agreement">How sure the model is that the image shows its class, in [0, 1]; null where it can't tell.</param>
public sealed record DrawnImage(Image Pixels, int Label, long Seed, double? Agreement);
