using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Layers;
using Tessera.Models.Losses;
using TorchSharp;
using static TorchSharp.torch;
using Conv2d = TorchSharp.Modules.Conv2d;

namespace Tessera.Models.Heads.Segmentation;

/// <summary>What every segmentation head takes.</summary>
public abstract record SegmentationHeadOptions
{
    /// <summary>Classes; by default as many as the data has, with which it must agree.</summary>
    [Range(1, 65535)]
    public int? NumClasses { get; init; }

    /// <summary>The maps that the head takes, from 0, negative ones from the end. Several are brought to the size of the first of them and
    /// joined.</summary>
    public OneOrMany<int>? InIndex { get; init; }

    /// <summary>Channels of those maps, to be checked; by default whatever they have.</summary>
    public OneOrMany<int>? InChannels { get; init; }

    /// <summary>Dropout of whole channels before the classifier.</summary>
    [Range(0, 0.99)]
    public double Dropout { get; init; } = 0.1;

    /// <summary>How maps are enlarged: corner pixels onto corner pixels, instead of edges onto edges.</summary>
    public bool AlignCorners { get; init; }
}

/// <summary>
/// Feature maps to logits at the maps' size. The losses see them enlarged to the labels' size. Parameter names are
/// MMSegmentation's, unless a head says otherwise.
/// </summary>
public abstract class SegmentationHead : LossHead
{
    private readonly SegmentationHeadOptions _options;
    private readonly MapSelection _maps;

    /// <param name="source">The backbone, or the neck over it.</param>
    /// <param name="data">The data's classes.</param>
    /// <param name="loss">The only loss; by default cross entropy.</param>
    /// <param name="losses">Several losses, by name.</param>
    /// <param name="maps">Maps taken where in_index doesn't say; the last by default.</param>
    protected SegmentationHead(
        string name,
        SegmentationHeadOptions options,
        IFeatureSource source,
        DataInfo data,
        Loss? loss,
        IReadOnlyDictionary<string, Loss>? losses,
        IReadOnlyList<int>? maps = null
    )
        : base(name, loss, losses, () => new CrossEntropyLoss(new()))
    {
        if (data.Task != DataTask.Segmentation)
            throw new UserErrorException($"{name} needs data with segmentation maps, not with a truth for {TaskNames.Of(data.Task)}.");
        if (options.NumClasses is { } wanted && wanted != data.Classes.Count)
            throw new UserErrorException($"{name}: num_classes is {wanted}, but the data has {data.Classes.Count} classes.");
        _options = options;
        _maps = new MapSelection(options.InIndex?.Items ?? maps ?? [-1], options.InChannels, source, name);
        Classes = data.Classes.Count;
    }

    public int Classes { get; }

    public bool AlignCorners => _options.AlignCorners;

    public override string ClassifierKey => "conv_seg";

    /// <summary>What a project ("mmlab", "torchvision" …) calls the parameters of such a head; null where it has none.</summary>
    public virtual KeyMap? KeysOf(string project) => project == "mmlab" ? new KeyMap(key => key) { Publish = key => key } : null;

    /// <summary>Whether <c>call</c> takes, after the maps, the logits of another head as first guess.</summary>
    public virtual bool WantsPrior => false;

    /// <summary>Channels of what <see cref="Input"/> gives.</summary>
    protected int InChannels => _maps.Channels;

    private protected MapSelection Selection => _maps;

    /// <summary>The chosen maps as one. Where several are chosen, <c>call</c> takes this in their place, so that heads can share
    /// it.</summary>
    public Tensor Input(Tensor[] maps) => _maps.Join(maps, AlignCorners);

    /// <summary>Whether <see cref="Input"/> joins several maps just as a selection would.</summary>
    internal virtual bool Joins(MapSelection maps, bool alignCorners) =>
        maps.Several && maps.Matches(_maps) && alignCorners == AlignCorners;

    /// <summary>The last layer, to one channel for each class.</summary>
    protected Conv2d Classifier(int channels)
    {
        var classifier = nn.Conv2d(channels, Classes, 1);
        nn.init.normal_(classifier.weight!, 0, 0.01);
        nn.init.zeros_(classifier.bias!);
        return classifier;
    }

    /// <summary>Dropout as the options say.</summary>
    protected Tensor Drop(Tensor x) => _options.Dropout > 0 && training ? nn.functional.dropout2d(x, _options.Dropout) : x;

    /// <summary>Logits enlarged to a size, float32.</summary>
    /// <param name="logits">[B, classes, h, w].</param>
    /// <returns>[B, classes, height, width].</returns>
    public Tensor Enlarge(Tensor logits, long height, long width) =>
        Upsampling.To(logits.to(ScalarType.Float32), [height, width], AlignCorners);

    /// <param name="logits">As the head gives them, [B, classes, h, w].</param>
    /// <param name="targets">Labels [B, H, W], to whose size the logits are enlarged.</param>
    public override LossMap Losses(Tensor logits, LossTargets targets, Progress progress)
    {
        var labels = targets.Labels ?? throw new UserErrorException($"{GetName()} needs segmentation maps, which the data does not give.");
        return base.Losses(Enlarge(logits, labels.shape[1], labels.shape[2]), targets, progress);
    }
}
