using Tessera.Framework.Models;
using Tessera.Models.Attention.Core;
using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Backbones;

/// <summary>How the decoder makes maps larger.</summary>
public enum UNetUpsample
{
    /// <summary>Bilinear interpolation, then a 1x1 convolution.</summary>
    InterpConv,

    /// <summary>A transposed convolution of 4x4 pixels.</summary>
    Deconv,
}

/// <param name="BaseChannels">Channels of the first stage; each further one has twice as many.</param>
/// <param name="NumStages">Stages of the encoder; the decoder has one less.</param>
/// <param name="Strides">Stride, 1 or 2, of the first convolution of each stage; 1 by default.</param>
/// <param name="EncNumConvs">Convolutions of each stage of the encoder; 2 by default.</param>
/// <param name="DecNumConvs">Convolutions of each step of the decoder, finest first; 2 by default.</param>
/// <param name="Downsamples">Whether each stage after the first begins with a max pooling; true by default. A stage of stride 2 has
/// none.</param>
/// <param name="EncDilations">Dilation of each stage's convolutions but the first; 1 by default.</param>
/// <param name="DecDilations">The same in the decoder, finest first; 1 by default.</param>
/// <param name="Upsample">"interp_conv": bilinear and a 1x1 convolution; "deconv": a transposed convolution.</param>
/// <param name="InChannels">Channels of the image.</param>
public sealed record UNetOptions(
    [property: Range(1, 4096)] int BaseChannels = 64,
    [property: Range(1, 8)] int NumStages = 5,
    int[]? Strides = null,
    int[]? EncNumConvs = null,
    int[]? DecNumConvs = null,
    bool[]? Downsamples = null,
    int[]? EncDilations = null,
    int[]? DecDilations = null,
    UNetUpsample Upsample = UNetUpsample.InterpConv,
    [property: Range(1, 1024)] int InChannels = 3
);

/// <summary>U-Net: an encoder that halves the map and doubles the channels, and a decoder back to the first size, which sees the encoder's
/// map of each size.</summary>
/// <remarks>
/// Ronneberger et al., "U-Net: Convolutional Networks for Biomedical Image Segmentation", 2015, arXiv:1505.04597, in MMSegmentation's form,
/// whose parameter names these are: padded convolutions with batch norm. Its maps come coarsest first, as there: the last (in_index -1,
/// or 4 of five stages) is the finest. Images that the network's stride does not divide, which MMSegmentation refuses, are filled up with
/// zeros below and to the right; the maps are cut to what the image covers.
/// </remarks>
[Component("UNet")]
public sealed class UNet : Backbone
{
    private readonly ModuleList<Sequential> encoder = new(); // finest first; a pooling (not in all), convolutions
    private readonly ModuleList<UNetDecoderStep> decoder = new(); // finest first
    private readonly int[] _strides; // of the encoder's maps

    /// <exception cref="UserErrorException">A list has another length than there are stages, or a value out of bounds.</exception>
    public UNet(UNetOptions options)
        : base(nameof(UNet))
    {
        var (stages, steps) = (options.NumStages, options.NumStages - 1);
        var strides = Values("strides", options.Strides, 1, stages, most: 2);
        var encoderConvs = Values("enc_num_convs", options.EncNumConvs, 2, stages, most: 16);
        var decoderConvs = Values("dec_num_convs", options.DecNumConvs, 2, steps, most: 16);
        var encoderDilations = Values("enc_dilations", options.EncDilations, 1, stages, most: 64);
        var decoderDilations = Values("dec_dilations", options.DecDilations, 1, steps, most: 64);
        var pools = options.Downsamples ?? [.. Enumerable.Repeat(true, steps)];
        RequireLength("downsamples", pools.Length, steps);

        _strides = new int[stages];
        var width = options.InChannels;
        for (var i = 0; i < stages; i++)
        {
            var channels = options.BaseChannels << i;
            var halves = strides[i] == 2 || (i > 0 && pools[i - 1]);
            _strides[i] = (i == 0 ? 1 : _strides[i - 1]) * (halves ? 2 : 1);
            var convs = new UNetConvs(width, channels, encoderConvs[i], strides[i], encoderDilations[i]);
            encoder.Add(halves && strides[i] == 1 ? Sequential(MaxPool2d(2), convs) : Sequential(convs));
            if (i > 0)
                decoder.Add(new UNetDecoderStep(width, decoderConvs[i - 1], decoderDilations[i - 1], halves ? options.Upsample : null));
            width = channels;
        }
        RegisterComponents();
        Weights.Convolutional(this);
        OutChannels = [.. Enumerable.Range(0, stages).Select(i => options.BaseChannels << (steps - i))];
        OutStrides = [.. _strides.Reverse()];
    }

    public override IReadOnlyList<int> OutChannels { get; }

    public override IReadOnlyList<int> OutStrides { get; }

    public override IReadOnlyDictionary<string, KeyMap> KeyMaps { get; } =
        new Dictionary<string, KeyMap> { ["mmlab"] = new KeyTable("head.fc", "backbone.").ToKeyMap() };

    /// <summary>The encoder from the image on, then the decoder back.</summary>
    public override ParameterLayers LayersByDepth =>
        new(
            ["encoder.0"],
            [
                .. Enumerable.Range(1, encoder.Count - 1).Select(i => new[] { $"encoder.{i}" }),
                .. Enumerable.Range(0, decoder.Count).Select(i => new[] { $"decoder.{decoder.Count - 1 - i}" }),
            ]
        );

    /// <param name="images">Normalized images, [B, InChannels, H, W], of any size.</param>
    /// <returns>As many maps as stages, coarsest first, [B, C, ⌈H / stride⌉, ⌈W / stride⌉] each.</returns>
    public override Tensor[] forward(Tensor images)
    {
        using var scope = NewDisposeScope();
        var (height, width) = ((int)images.shape[2], (int)images.shape[3]);
        var (down, right) = (Residues.Missing(height, _strides[^1]), Residues.Missing(width, _strides[^1]));
        var x = down + right > 0 ? functional.pad(images, [0, right, 0, down]) : images;
        var skips = new Tensor[encoder.Count];
        for (var i = 0; i < skips.Length; i++)
            skips[i] = x = encoder[i].call(x);
        var maps = new Tensor[skips.Length];
        maps[0] = x;
        for (var i = 1; i < maps.Length; i++)
            maps[i] = decoder[^i].call(skips[^(i + 1)], maps[i - 1]);
        if (down + right > 0)
            for (var i = 0; i < maps.Length; i++)
                maps[i] = maps[i]
                    .narrow(2, 0, Residues.Ceiling(height, OutStrides[i]))
                    .narrow(3, 0, Residues.Ceiling(width, OutStrides[i]));
        scope.MoveToOuter(maps);
        return maps;
    }

    private static int[] Values(string option, int[]? given, int usual, int count, int most)
    {
        var values = given ?? [.. Enumerable.Repeat(usual, count)];
        RequireLength(option, values.Length, count);
        return values.All(value => value >= 1 && value <= most)
            ? values
            : throw new UserErrorException($"UNet: {option} must lie in 1 .. {most}, not [{string.Join(", ", values)}].");
    }

    private static void RequireLength(string option, int length, int count)
    {
        if (length != count)
            throw new UserErrorException($"UNet: {option} has {length} values, but {count} are needed for its num_stages.");
    }
}
