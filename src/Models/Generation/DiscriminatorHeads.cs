using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Generation;

/// <summary>A discriminator's body with the layers that read its map: whether an image is real, and what class it shows.</summary>
internal sealed class DiscriminatorHeads : Module<Tensor, Tensor>
{
    private readonly ImageDiscriminator body;
    private readonly Module<Tensor, Tensor> score;
    private readonly Embedding? projection;
    private readonly Linear? classifier;

    public DiscriminatorHeads(ImageDiscriminator body, GanCondition condition, int classes)
        : base(nameof(DiscriminatorHeads))
    {
        this.body = body;
        score = body.IsSpectral ? new SpectralConv2d(body.OutChannels, 1, body.OutSize) : Conv2d(body.OutChannels, 1, body.OutSize);
        DcganLayers.Start(score);
        if (condition == GanCondition.Projection)
        {
            projection = Embedding(classes, body.OutChannels);
            init.normal_(projection.weight!, std: 0.02);
        }
        if (condition == GanCondition.Ac)
        {
            classifier = Linear(body.OutChannels, classes);
            Weights.Truncated(classifier);
        }
        RegisterComponents();
    }

    public int Size => body.Size;

    /// <summary>The tensors that have a row for each class, by their names here.</summary>
    public IEnumerable<string> ClassTensors =>
        projection is not null ? [$"{nameof(projection)}.weight"]
        : classifier is not null ? [$"{nameof(classifier)}.weight", $"{nameof(classifier)}.bias"]
        : [];

    /// <param name="images">[B, C, H, W].</param>
    /// <returns>The map, [B, OutChannels, OutSize, OutSize].</returns>
    public override Tensor forward(Tensor images) => body.call(images);

    /// <summary>How real images look, as images of their classes where the discriminator is a projection.</summary>
    /// <param name="map">Of <see cref="forward"/>.</param>
    /// <param name="labels">[B], int64.</param>
    /// <returns>[B].</returns>
    public Tensor Score(Tensor map, Tensor labels)
    {
        using var scope = NewDisposeScope();
        var scores = score.call(map).flatten();
        if (projection is not null)
            scores = scores + (projection.call(labels) * Pooled(map)).sum([1]);
        return scope.MoveToOuter(scores);
    }

    /// <summary>Logits of the classes: the classifier's, or each class's term of the projection; null where there is neither.</summary>
    /// <param name="map">Of <see cref="forward"/>.</param>
    /// <returns>[B, classes].</returns>
    public Tensor? Classes(Tensor map)
    {
        using var scope = NewDisposeScope();
        var logits =
            classifier is not null ? classifier.call(Pooled(map))
            : projection is not null ? Pooled(map).matmul(projection.weight!.t())
            : null;
        return logits is null ? null : scope.MoveToOuter(logits);
    }

    /// <summary>The sum over places, as in Miyato and Koyama's discriminator.</summary>
    private static Tensor Pooled(Tensor map) => map.sum([2, 3]);
}
