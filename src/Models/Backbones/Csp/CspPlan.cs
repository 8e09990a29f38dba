using Tessera.Models.Layers;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Backbones.Csp;

/// <summary>A <see cref="CspBackbone"/>'s options, worked out and checked.</summary>
internal sealed class CspPlan
{
    private const int Stem = 64; // channels after the stem at widen_factor 1
    private static readonly int[] _four = [128, 256, 512, 1024];
    private static readonly int[] _five = [128, 256, 512, 768, 1024];

    private readonly int[] _channels; // after the stem, then after each stage
    private readonly int[] _blocks;
    private readonly CspStyle _style;

    /// <param name="name">The backbone's, for messages.</param>
    /// <param name="middle">Blocks of the stages between the first and the last two at deepen_factor 1; the others have three.</param>
    /// <param name="outIndices">0 the stem, then the stages; null: those of strides 8, 16 and 32.</param>
    /// <exception cref="UserErrorException">The options don't fit.</exception>
    public CspPlan(
        string name,
        CspArch arch,
        double deepen,
        double widen,
        int middle,
        int[]? outIndices,
        int frozen,
        bool normEval,
        CspStyle style
    )
    {
        (Name, FrozenStages, NormEval, _style) = (name, frozen, normEval, style);
        var stages = arch == CspArch.P5 ? _four : _five;
        _channels = [.. stages.Prepend(Stem).Select(channels => (int)(channels * widen))];
        _blocks = [.. stages.Select((_, i) => Math.Max(1, (int)Math.Round((i is 1 or 2 ? middle : 3) * deepen)))];
        OutIndices = Backbones.OutIndices.Checked(name, outIndices ?? [2, 3, 4], stages.Length + 1);
        if (_channels[0] < 2 || style.Inside(_channels[1]) < 1)
            throw new UserErrorException($"{name}: widen_factor {widen} leaves {_channels[0]} of the stem's {Stem} channels: too few.");
    }

    public string Name { get; }

    /// <summary>0 the stem, n the n-th stage.</summary>
    public int[] OutIndices { get; }

    public int FrozenStages { get; }

    public bool NormEval { get; }

    /// <summary>Stages that are built: those after the last map that is given are not.</summary>
    public int Used => OutIndices[^1];

    /// <param name="index">0 after the stem, n after the n-th stage.</param>
    public int Channels(int index) => _channels[index];

    /// <summary>A stage's layers, from 0.</summary>
    public Module<Tensor, Tensor>[] Layers(int stage)
    {
        var (width, channels, last) = (_channels[stage], _channels[stage + 1], stage == _blocks.Length - 1);
        var layers = new List<Module<Tensor, Tensor>> { SiluConv.Of(_style.Depthwise, width, channels, 3, _style.Norm, stride: 2) };
        if (last)
            layers.Add(new SppBottleneck(channels, _style.Norm));
        layers.Add(new CspLayer(channels, channels, _blocks[stage], shortcuts: !last, _style));
        return [.. layers];
    }
}
