using Tessera.Datasets.Images.Resampling;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Data;
using static TorchSharp.torch;

namespace Tessera.Tools.PseudoLabels;

/// <summary>A whole image at any scale, as a classifier takes it: resized from the original, not cropped and not padded.</summary>
internal sealed class ScaledImage
{
    private readonly Sample _sample;
    private readonly Image _original;
    private readonly Transform[] _values;
    private readonly int _divisor;
    private readonly (double Height, double Width) _usual;

    /// <param name="sample">Its image unread.</param>
    /// <param name="pipeline">How images become the model's input when it is evaluated; its size at scale 1 comes from here.</param>
    /// <param name="divisor">Sides are multiples of it: a patch.</param>
    /// <exception cref="Framework.Errors.UserErrorException">The image can't be read.</exception>
    public ScaledImage(Sample sample, IReadOnlyList<Transform> pipeline, int divisor)
    {
        (_sample, _divisor) = (sample, divisor);
        foreach (var step in pipeline.Where(step => step.Loads))
            _sample = step.Apply(_sample, new RandomSource(0));
        _original = _sample.Image!.Decode();
        _values = [.. pipeline.Where(step => step is Normalize or ToFloat)];
        var moved = OfPixels(_original.Clone());
        foreach (var step in pipeline.Where(step => !step.Loads))
            moved = step.Apply(moved, new RandomSource(0));
        // How much the pipeline enlarges, whatever it cuts off or adds then.
        var transform = moved.Geometry!.Transform;
        _usual = (
            _original.Height * Math.Sqrt((transform.M21 * transform.M21) + (transform.M22 * transform.M22)),
            _original.Width * Math.Sqrt((transform.M11 * transform.M11) + (transform.M12 * transform.M12))
        );
    }

    /// <summary>With what is known of it.</summary>
    public Sample Sample => _sample;

    public int Height => _original.Height;

    public int Width => _original.Width;

    /// <summary>The input at a scale, [1, C, h, w].</summary>
    /// <param name="scale">1: as large as when the model is evaluated.</param>
    public Tensor Input(double scale)
    {
        var (height, width) = (Side(_usual.Height * scale), Side(_usual.Width * scale));
        var resized = Resampler.Resize(_original, height, width);
        var sample = OfPixels(ReferenceEquals(resized, _original) ? _original.Clone() : resized);
        var prepared = PreparedSample.Of(sample, _values, new RandomSource(0));
        return tensor(prepared.Planes(), [1, prepared.Pixels.Channels, height, width]);
    }

    private int Side(double length) => Math.Max(1, (int)Math.Round(length / _divisor, MidpointRounding.AwayFromZero)) * _divisor;

    private Sample OfPixels(Image pixels) =>
        new()
        {
            Index = _sample.Index,
            Name = _sample.Name,
            Image = new SampleImage(pixels),
            Geometry = Geometry.Original(_original.Height, _original.Width),
        };
}
