using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Heads.Segmentation;

/// <summary>What the heads over an atrous spatial pyramid share.</summary>
public abstract record AtrousPyramidOptions : SegmentationHeadOptions
{
    /// <summary>Channels of every branch and of what joins them.</summary>
    [Range(1, 65536)]
    public int Channels { get; init; } = 512;

    /// <summary>Dilation of each branch; 1 is a 1x1 convolution, others are 3x3. For output stride 8; half of it suits 16.</summary>
    [MinLength(1)]
    public int[] Dilations { get; init; } = [1, 12, 24, 36];

    /// <summary>Join the branches by a 1x1 convolution with dropout before the 3x3 one, as torchvision has it.</summary>
    public bool Project { get; init; }
}

/// <summary>Dilated convolutions side by side and the mean of the whole map, joined. The head's own layers come after.</summary>
public abstract class AtrousPyramid : SegmentationHead
{
    private const double ProjectDropout = 0.5;

    private readonly Sequential image_pool;
    private readonly ModuleList<Module<Tensor, Tensor>> aspp_modules = new();
    private readonly ConvNorm? project;
    private readonly ConvNorm bottleneck;

    /// <param name="separable">Dilated branches convolve each channel on its own.</param>
    private protected AtrousPyramid(
        string name,
        AtrousPyramidOptions options,
        bool separable,
        IFeatureSource source,
        DataInfo data,
        Loss? loss,
        IReadOnlyDictionary<string, Loss>? losses
    )
        : base(name, options, source, data, loss, losses)
    {
        if (options.Dilations.Any(dilation => dilation is < 1 or > 1024))
            throw new UserErrorException($"{name}: dilations must lie in 1 .. 1024, not [{string.Join(", ", options.Dilations)}].");
        var channels = options.Channels;
        image_pool = Sequential(AdaptiveAvgPool2d(1), new ConvNorm(InChannels, channels, 1));
        foreach (var dilation in options.Dilations)
        {
            aspp_modules.Add(
                dilation == 1 ? new ConvNorm(InChannels, channels, 1)
                : separable ? new SeparableConv(InChannels, channels, 3, dilation)
                : new ConvNorm(InChannels, channels, 3, dilation)
            );
        }
        var joined = (options.Dilations.Length + 1) * channels;
        if (options.Project)
            project = new ConvNorm(joined, channels, 1);
        bottleneck = new ConvNorm(options.Project ? channels : joined, channels, 3);
    }

    private protected int Branches => aspp_modules.Count;

    private protected bool HasProject => project is not null;

    /// <param name="maps">The backbone's or neck's.</param>
    /// <returns>[B, Channels, h, w].</returns>
    protected Tensor Pyramid(Tensor[] maps)
    {
        using var scope = NewDisposeScope();
        var input = Input(maps);
        var whole = image_pool.call(input).expand(-1, -1, input.shape[2], input.shape[3]);
        var branches = aspp_modules.Select(branch => branch.call(input));
        // MMSegmentation's weights have the whole map first, torchvision's last.
        Tensor[] ordered = project is null ? [whole, .. branches] : [.. branches, whole];
        var x = cat(ordered, 1);
        if (project is not null)
            x = functional.dropout(project.call(x), ProjectDropout, training);
        return scope.MoveToOuter(bottleneck.call(x));
    }
}
