using System.Numerics;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.Explanation;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Generation;

/// <summary>
/// Has a model that generates images draw some, and turns what it gives back into pixels, as the config's Normalize turned pixels into what
/// it was trained on. The model's mode is as before. Not safe to call from several threads at once.
/// </summary>
/// <example><code>
/// using var sampler = ImageSampler.Load("work_dirs/gan/epoch_50.safetensors");
/// var image = sampler.Draw([(Label: 0, Seed: 7)])[0];
/// </code></example>
public sealed class ImageSampler : IDisposable
{
    private readonly Session _session;
    private readonly bool _owned;
    private readonly IGeneratesImages _model;
    private readonly Normalization _normalization;

    private ImageSampler(Session session, bool owned)
    {
        (_session, _owned) = (session, owned);
        _model =
            session.Model as IGeneratesImages
            ?? throw new UserErrorException(
                $"{session.Name}: {session.Model.GetName()} draws no images; a model that does was expected, such as Gan or Diffusion."
            );
        Data = session.TrainedOn ?? session.Data[session.Data.FirstPart].Info;
        _normalization = PipelineNormalization.Of(session, _model.ImageShape.Channels);
    }

    /// <summary>The classes that the model was trained on.</summary>
    public DataInfo Data { get; }

    /// <summary>Whether it draws images of a class that is asked for.</summary>
    public bool ByClass => _model.ByClass;

    /// <summary>Loads a checkpoint that <c>tools/train</c> wrote.</summary>
    /// <exception cref="UserErrorException">The file is no such checkpoint, is damaged, needs a plugin that the options don't name, or its
    /// model draws no images.</exception>
    public static ImageSampler Load(string checkpoint, SessionOptions? options = null) =>
        Session.OfCheckpoint(checkpoint, options).HandOver(session => new ImageSampler(session, owned: true));

    /// <summary>Draws with the model of a session, in training or not.</summary>
    /// <param name="session">Stays the caller's, and must outlive the sampler.</param>
    /// <exception cref="UserErrorException">The model draws no images.</exception>
    public static ImageSampler Of(Session session) => new(session, owned: false);

    /// <summary>Draws images.</summary>
    /// <param name="wanted">The class and the seed of each.</param>
    public IReadOnlyList<DrawnImage> Draw(IReadOnlyList<(int Label, long Seed)> wanted)
    {
        if (wanted.Count == 0)
            return [];
        using var evaluation = new InEvaluation(_session.Model, _session.Device.type);
        using var scope = NewDisposeScope();
        using var mode = no_grad();
        var labels = tensor(wanted.Select(one => (long)one.Label).ToArray()).to(_session.Device);
        var images = _model.Generate(labels, new NoiseStreams(wanted.Select(one => one.Seed), _session.Device));
        if (!images.isfinite().all().ToBoolean())
            throw new UserErrorException($"{_session.Name}: the model draws images that are not finite (NaN or infinity).");
        var agreement = _model.Agreement(images, labels)?.cpu().Values<float>();
        var (channels, height, width) = _model.ImageShape;
        var values = images.cpu().Values<float>();
        var size = channels * height * width;
        return
        [
            .. wanted.Select(
                (one, i) =>
                    new DrawnImage(ToPixels(values.AsSpan(i * size, size), channels, height, width), one.Label, one.Seed, agreement?[i])
            ),
        ];
    }

    public void Dispose()
    {
        if (_owned)
            _session.Dispose();
    }

    /// <param name="values">[C, H, W], normalised.</param>
    private Image ToPixels(ReadOnlySpan<float> values, int channels, int height, int width)
    {
        var image = new Image(height, width, channels);
        var plane = height * width;
        for (var c = 0; c < channels; c++)
        {
            var (mean, std) = (Of(_normalization.Mean, c), Of(_normalization.Std, c));
            var to = _normalization.ReverseChannels && channels == 3 ? 2 - c : c;
            for (var i = 0; i < plane; i++)
                image.Bytes[i * channels + to] = (byte)Math.Clamp(MathF.Round(values[c * plane + i] * std + mean), 0, 255);
        }
        return image;

        static float Of(float[] each, int c) => each[each.Length == 1 ? 0 : c];
    }
}
