namespace Samples.Plugins;

/// <param name="StageChannels">Output channels of each stage; a stage halves height and width.</param>
/// <param name="InChannels">Channels of the image.</param>
public sealed record AllConvNetOptions(
    [property: MinLength(1), Range(1, 4096)] int[] StageChannels,
    [property: Range(1, 1024)] int InChannels = 3
);

/// <summary>Pyramid without pooling: each stage ends in a stride-2 convolution.</summary>
/// <remarks>Springenberg et al., "Striving for Simplicity: The All Convolutional Net", 2015, arXiv:1412.6806. Departs from the paper by
/// adding batch norm.</remarks>
[Component("AllConvNet")]
public sealed class AllConvNet : Backbone
{
    private readonly ModuleList<Sequential> stages = new(); // checkpoint keys: stages.0.0.weight, …

    public AllConvNet(AllConvNetOptions options)
        : base(nameof(AllConvNet))
    {
        OutChannels = options.StageChannels;
        OutStrides = [.. options.StageChannels.Select((_, i) => 2 << i)];
        var width = options.InChannels;
        foreach (var channels in options.StageChannels)
        {
            stages.Add(
                Sequential(
                    Conv2d(width, channels, 3, padding: 1, bias: false),
                    BatchNorm2d(channels),
                    ReLU(),
                    Conv2d(channels, channels, 3, stride: 2, padding: 1, bias: false),
                    BatchNorm2d(channels),
                    ReLU()
                )
            );
            width = channels;
        }

        RegisterComponents();
    }

    public override IReadOnlyList<int> OutChannels { get; }

    public override IReadOnlyList<int> OutStrides { get; }

    /// <param name="images">Normalized images, [B, InChannels, H, W].</param>
    /// <returns>Map i, from 0: [B, StageChannels[i], ⌈H / 2^(i+1)⌉, ⌈W / 2^(i+1)⌉].</returns>
    public override Tensor[] forward(Tensor images)
    {
        using var scope = NewDisposeScope(); // frees temporaries; the maps move out below
        var maps = new Tensor[stages.Count];
        for (var i = 0; i < maps.Length; i++)
            maps[i] = stages[i].call(i == 0 ? images : maps[i - 1]);
        scope.MoveToOuter(maps);
        return maps;
    }
}
