using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Detection;
using Tessera.Models.Detection.Transformers;
using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.TaskModels;

/// <summary>Images to boxes with classes by a transformer: queries find one object each or none, so that nothing is left to
/// suppress.</summary>
/// <remarks>
/// Carion et al., "End-to-End Object Detection with Transformers", 2020, arXiv:2005.12872. Names of parameters are those of its code,
/// facebookresearch/detr, but for the backbone's. Norms of the backbone are those it is given; there they are fixed altogether
/// ("norm_eval": their weights still learn here).
/// </remarks>
[Component("Detr"), ForTask(DataTask.Detection)]
public sealed class Detr : VisionModel, IExplainable, IPredictsByTensors
{
    private readonly Backbone backbone;
    private readonly Conv2d input_proj;
    private readonly DetrTransformer transformer;
    private readonly Embedding query_embed;
    private readonly Linear class_embed; // the last output: no object
    private readonly TokenMlp bbox_embed;

    private readonly DetrOptions _options;
    private readonly QueryTestOptions _test;
    private readonly SetMatcher _matcher;
    private readonly SetLossWeights _weights;
    private readonly int _classes;
    private ConvNormFusion? _fused;

    /// <param name="backbone">Images to one map.</param>
    /// <param name="data">The data's classes.</param>
    public Detr(DetrOptions options, Backbone backbone, DataInfo data)
        : base(nameof(Detr))
    {
        if (data.Task != DataTask.Detection)
            throw new UserErrorException($"Detr needs data with boxes, not with a truth for {TaskNames.Of(data.Task)}.");
        if (backbone.OutChannels.Count != 1 || backbone.OutStrides[0] == 0)
            throw new UserErrorException(
                $"Detr looks at one map; {backbone.GetName()} gives {backbone.OutChannels.Count}, with strides "
                    + $"[{string.Join(", ", backbone.OutStrides)}]. Say which in its out_indices."
            );
        (_options, _test, _classes) = (options, options.Test ?? new QueryTestOptions(), data.Classes.Count);
        _matcher = new SetMatcher((options.SetCost ?? new SetCosts()).Checked(nameof(Detr)));
        _weights = options.LossWeights ?? new SetLossWeights();
        var shape = new TransformerShape(options.EmbedDim, options.NumHeads, options.FfnDim, options.Dropout).Checked(nameof(Detr), 4);
        this.backbone = backbone;
        input_proj = Conv2d(backbone.OutChannels[0], options.EmbedDim, 1);
        transformer = new DetrTransformer(shape, options.EncoderLayers, options.DecoderLayers);
        query_embed = Embedding(options.NumQueries, options.EmbedDim);
        class_embed = Linear(options.EmbedDim, _classes + 1);
        bbox_embed = new TokenMlp(options.EmbedDim, options.EmbedDim, 4, 3);
        RegisterComponents();
    }

    public override IReadOnlyDictionary<string, KeyMap> KeyMaps => DetrKeys.Of(backbone, _classes);

    public override IReadOnlyCollection<ClassTensor> ClassTensors =>
        [new($"{nameof(class_embed)}.weight") { Others = 1 }, new($"{nameof(class_embed)}.bias") { Others = 1 }];

    public override Tensor Fit(string key, Tensor stored) =>
        key.StartsWith("backbone.", StringComparison.Ordinal) ? backbone.Fit(key["backbone.".Length..], stored) : stored;

    /// <summary>What the queries say of images.</summary>
    /// <param name="images">[B, C, H, W].</param>
    /// <param name="areas">Where each image lies in its tensor; null: everywhere.</param>
    /// <param name="all">Whether every decoder layer's answer is wanted, or the last alone.</param>
    /// <returns>Logits [L, B, Q, classes + 1], the last of no object, and boxes [L, B, Q, 4]: centre x, centre y, width and height,
    /// relative to the image without padding.</returns>
    public (Tensor Logits, Tensor Boxes) Answers(Tensor images, IReadOnlyList<ImageArea>? areas = null, bool all = false)
    {
        using var scope = NewDisposeScope();
        var map = input_proj.call(backbone.call(images)[0]); // [B, C, h, w]
        var (height, width) = ((int)map.shape[2], (int)map.shape[3]);
        MapCells[] cells = areas is null
            ? [new([.. Enumerable.Repeat(true, height)], [.. Enumerable.Repeat(true, width)])]
            : [.. areas.Select(area => MapCells.Of(area, SizeOf(images), (height, width)))];
        var isWhole = cells.All(image => image.IsWhole);
        var positions = SinePositions.Of(isWhole ? [cells[0]] : cells, _options.EmbedDim, images.device);
        var answers = transformer.Run(
            map.flatten(2).transpose(1, 2),
            positions,
            isWhole ? null : Mask(cells, images.device),
            query_embed.weight!,
            all
        );
        var (logits, boxes) = (class_embed.call(answers), bbox_embed.call(answers).to(ScalarType.Float32).sigmoid());
        scope.MoveToOuter(logits, boxes);
        return (logits, boxes);
    }

    /// <summary>The last layer's logits [B, Q, classes + 1] and boxes [B, Q, 4], of images without padding.</summary>
    public Tensor[] Outputs(Tensor images)
    {
        using var scope = NewDisposeScope();
        var (logits, boxes) = Answers(images);
        Tensor[] outputs = [logits[0], boxes[0]];
        scope.MoveToOuter(outputs);
        return outputs;
    }

    public override (int Count, string Option)? MostObjects => (_options.NumQueries, "num_queries");

    public override LossMap Loss(Batch batch, Progress progress)
    {
        var areas = AreasOf(batch);
        var truths = QueryTruths.Of(nameof(Detr), batch, areas, _classes, _options.NumQueries);
        using var scope = NewDisposeScope();
        var (logits, boxes) = Answers(batch.Images, areas, _options.AuxLoss);
        logits = logits.to(ScalarType.Float32);
        var matches = _matcher.Match(-logits.detach().softmax(-1), boxes, truths);
        var (losses, last) = (new LossMap(), matches.Count - 1);
        for (var layer = last; layer >= 0; layer--)
        {
            var prefix = layer == last ? "" : $"d{layer}.";
            var pairs = QueryPairs.Of(truths, matches[layer], _options.NumQueries);
            var (l1, giou) = SetBoxLosses.Of(boxes[layer], pairs, Math.Max(1, truths.Count), _weights);
            losses.Add($"{prefix}loss_cls", ClassLoss(logits[layer], pairs));
            losses.Add($"{prefix}loss_bbox", l1);
            losses.Add($"{prefix}loss_giou", giou);
        }
        scope.MoveToOuter(losses.Values);
        return losses;
    }

    public override IReadOnlyList<Prediction> Predict(Batch batch)
    {
        using var fused = _test.FuseConvBn && !ConvNormFusion.IsEntered ? (_fused ??= new ConvNormFusion()).Enter() : default(IDisposable);
        using var scope = NewDisposeScope();
        var areas = AreasOf(batch);
        var (logits, boxes) = Answers(batch.Images, areas);
        var finite = FiniteOutput.OfImages([logits[0], boxes[0]]);
        return QueryCandidates.Predictions(Found(logits[0], boxes[0]), batch, areas, finite, _test);
    }

    public IReadOnlyList<(string Name, Tensor Value)> Predicted(Tensor images)
    {
        using var scope = NewDisposeScope();
        var (logits, boxes) = Answers(images);
        var found = QueryCandidates.Tensors(Found(logits[0], boxes[0]), images, _test, nameof(Detr));
        scope.MoveToOuter(found.Select(pair => pair.Value));
        return found;
    }

    /// <summary>No box is dropped for another's sake.</summary>
    public BoxSuppression? Suppression => new(1, _test.MaxPerImg);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _fused?.Dispose();
        base.Dispose(disposing);
    }

    private static (Tensor Scores, Tensor Labels, Tensor Boxes) Found(Tensor logits, Tensor boxes)
    {
        var probabilities = logits.to(ScalarType.Float32).softmax(-1);
        var (scores, labels) = probabilities.narrow(-1, 0, probabilities.shape[2] - 1).max(-1);
        return (scores, labels, boxes);
    }

    /// <summary>Cross entropy of all queries, those that are to find nothing by eos_coef.</summary>
    /// <param name="logits">[B, Q, classes + 1].</param>
    private Tensor ClassLoss(Tensor logits, QueryPairs pairs)
    {
        var wanted = new long[logits.shape[0] * logits.shape[1]];
        Array.Fill(wanted, _classes);
        foreach (var (row, label) in pairs.Rows.Zip(pairs.Labels))
            wanted[row] = label;
        var weights = new float[_classes + 1];
        Array.Fill(weights, 1);
        weights[_classes] = (float)_options.EosCoef;
        var device = logits.device;
        return functional.cross_entropy(logits.flatten(0, 1), tensor(wanted, device: device), tensor(weights, device: device))
            * _weights.Class;
    }

    private static Tensor Mask(MapCells[] cells, Device device) =>
        tensor(cells.SelectMany(image => image.Rows.SelectMany(row => image.Columns.Select(column => row && column))).ToArray())
            .view(cells.Length, 1, 1, -1)
            .to(device);

    private static ImageArea[] AreasOf(Batch batch) => [.. batch.Samples.Select(sample => ImageArea.Of(sample, SizeOf(batch.Images)))];

    private static (int Height, int Width) SizeOf(Tensor images) => ((int)images.shape[2], (int)images.shape[3]);
}
