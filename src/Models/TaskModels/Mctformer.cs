using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Backbones;
using Tessera.Models.Heads;
using Tessera.Models.Losses;
using Tessera.Models.Losses.Contrast;
using Tessera.Torch;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.TaskModels;

/// <summary>Images to any of several classes, each with a token of its own, whose attention says where in the image the class is: maps
/// for segmentation that is learnt from the images' labels alone.</summary>
/// <remarks>
/// Xu et al., "Multi-class Token Transformer for Weakly Supervised Semantic Segmentation", CVPR 2022, arXiv:2203.02891 (V1, V2);
/// "MCTformer+", 2023, arXiv:2308.03005. A class's logit is the mean over its token's channels.
/// </remarks>
[Component("Mctformer"), ForTask(DataTask.MultiLabel)]
public sealed class Mctformer : VisionModel, IExplainable, IGivesClassMaps
{
    private const string Fused = "fused";
    private const string ClassAttention = "class_attention";
    private const string Patch = "patch";
    private const int PublishedLayers = 3;

    private readonly MctTransformer backbone;
    private readonly Conv2d? head;
    private readonly Loss loss;

    private readonly MctformerOptions _options;

    /// <param name="backbone">A MctTransformer.</param>
    /// <param name="data">The data's classes, a token each.</param>
    /// <param name="loss">Of the class tokens' and of the patches' logits; binary cross entropy by default.</param>
    public Mctformer(MctformerOptions options, Backbone backbone, DataInfo data, Loss? loss = null)
        : base(nameof(Mctformer))
    {
        if (data.Task != DataTask.MultiLabel)
            throw new UserErrorException(
                $"Mctformer needs data with several labels an image, not with a truth for {TaskNames.Of(data.Task)}."
            );
        this.backbone =
            backbone as MctTransformer
            ?? throw new UserErrorException(
                $"Mctformer needs class tokens, which {backbone.GetName()} doesn't have: its backbone is a MctTransformer."
            );
        if (this.backbone.Classes != data.Classes.Count)
            throw new UserErrorException(
                $"Mctformer: {this.backbone.Classes} class tokens, but the data has {data.Classes.Count} classes."
            );
        this.loss = loss ?? new BinaryCrossEntropyLoss(new BinaryCrossEntropyLossOptions());
        if (this.loss.WantsEmbeddings)
            throw new UserErrorException($"Mctformer has no embeddings for {this.loss.GetName()}.");
        Require(options.AttentionLayers, "attention_layers");
        Require(options.ContrastLayers, "contrast_layers");
        _options = options;
        if (options.Version != MctformerVersion.V1)
            head = Conv2d(this.backbone.OutChannels[^1], this.backbone.Classes, 3, padding: 1);
        RegisterComponents();
    }

    /// <summary>"fused" (class attention times patches), "class_attention" and "patch"; V1 has the second alone.</summary>
    public IReadOnlyList<string> MapKinds => head is null ? [ClassAttention] : [Fused, ClassAttention, Patch];

    public override IReadOnlyDictionary<string, KeyMap> KeyMaps =>
        backbone.KeyMaps.ToDictionary(pair => pair.Key, pair => InModel(pair.Key, pair.Value));

    public override IReadOnlyCollection<ClassTensor> ClassTensors =>
        [
            .. backbone.ClassTensors.Select(tensor => tensor with { Name = $"{nameof(backbone)}.{tensor.Name}" }),
            .. head is null ? [] : (ClassTensor[])[new("head.weight"), new("head.bias")],
        ];

    private int AttentionLayers =>
        _options.AttentionLayers
        ?? (_options.Version == MctformerVersion.Plus ? backbone.Depth : Math.Min(PublishedLayers, backbone.Depth));

    public override Tensor Fit(string key, Tensor stored) =>
        key.StartsWith("backbone.", StringComparison.Ordinal) ? backbone.Fit(key["backbone.".Length..], stored) : stored;

    /// <summary>What is predicted, before the sigmoid.</summary>
    /// <param name="images">[B, C, H, W].</param>
    /// <returns>[B, classes].</returns>
    public Tensor Logits(Tensor images)
    {
        using var scope = NewDisposeScope();
        var maps = backbone.call(images);
        return scope.MoveToOuter(
            _options.Scores switch
            {
                MctformerScores.ClassTokens => OfClassTokens(maps),
                MctformerScores.Patches => OfPatches(maps),
                _ => (OfClassTokens(maps) + OfPatches(maps)) / 2,
            }
        );
    }

    public Tensor[] Outputs(Tensor images) => [Logits(images)];

    /// <returns>"class_tokens"; "patches" for V2 and +; "contrast" for +.</returns>
    public override LossMap Loss(Batch batch, Progress progress)
    {
        using var scope = NewDisposeScope();
        var maps = backbone.call(batch.Images);
        var targets = new LossTargets(batch.Labels, batch.SoftLabels);
        var losses = new LossMap { ["class_tokens"] = loss.Compute(OfClassTokens(maps), targets, progress) };
        if (head is not null)
            losses["patches"] = loss.Compute(OfPatches(maps), targets, progress);
        if (_options is { Version: MctformerVersion.Plus, ContrastWeight: > 0 })
        {
            var labels = batch.SoftLabels ?? throw new UserErrorException("Mctformer needs class labels, which the data does not give.");
            var tokens = maps.SkipLast(1).TakeLast(_options.ContrastLayers ?? backbone.Depth).Select(Tokens).ToArray();
            losses["contrast"] = ClassTokenContrast.Of(tokens, labels) * _options.ContrastWeight;
        }
        foreach (var term in losses.Values)
            scope.MoveToOuter(term);
        return losses;
    }

    public override IReadOnlyList<Prediction> Predict(Batch batch)
    {
        using var scope = NewDisposeScope();
        var scores = Logits(batch.Images).to(ScalarType.Float32).sigmoid().cpu();
        var rows = scores.Values<float>().Chunk(backbone.Classes);
        return [.. rows.Select(row => new ClassPrediction(row, Array.IndexOf(row, row.Max())))];
    }

    public Tensor ClassMaps(Tensor images, string kind) => ClassMaps(images, kind, _options.PatchAffinity);

    /// <summary>The same, spread over like patches or not, whatever the options say.</summary>
    /// <param name="affinity">Each patch gets the others' values, weighed by its attention to them: the sum over all blocks of the mean
    /// over heads, not normalised.</param>
    /// <exception cref="UserErrorException">There are no maps of this kind.</exception>
    public Tensor ClassMaps(Tensor images, string kind, bool affinity)
    {
        if (!MapKinds.Contains(kind))
            throw new UserErrorException(
                $"Mctformer ({_options.Version.ToString().ToLowerInvariant()}) gives no class maps \"{kind}\"."
                    + $"{NearestName.Suggest(kind, MapKinds)} It gives: {string.Join(", ", MapKinds)}."
            );
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var run = backbone.Attend(images, AttentionLayers, affinity);
        var patches = run.Maps[^1];
        var maps = kind switch
        {
            ClassAttention => OfAttention(run, patches),
            Patch => head!.call(patches).relu(),
            _ when _options.Version == MctformerVersion.Plus => (OfAttention(run, patches) * head!.call(patches).relu()).sqrt(),
            _ => OfAttention(run, patches) * head!.call(patches).relu(),
        };
        if (run.Affinity is not null)
            maps = maps.flatten(2).to(ScalarType.Float32).matmul(run.Affinity.transpose(1, 2)).view(maps.shape);
        return scope.MoveToOuter(maps.to(ScalarType.Float32));
    }

    // V1 and V2 add up the blocks' attention, + takes the mean.
    private Tensor OfAttention(MctAttention run, Tensor patches)
    {
        var map = run.ClassAttention.view(patches.shape[0], backbone.Classes, patches.shape[2], patches.shape[3]);
        return _options.Version == MctformerVersion.Plus ? map / AttentionLayers : map;
    }

    private Tensor OfClassTokens(Tensor[] maps) => Tokens(maps[^2]).mean([2]);

    private Tensor OfPatches(Tensor[] maps)
    {
        var map = head!.call(maps[^1]); // [B, classes, h, w]
        return _options.Version == MctformerVersion.Plus ? RankedPooling.Of(map, _options.Decay) : map.to(ScalarType.Float32).mean([2, 3]);
    }

    // [B, classes, C].
    private Tensor Tokens(Tensor flat) => flat.unflatten(1, [backbone.Classes, -1]);

    // V1's files have a classifier that nothing uses; DeiT's is another layer than the convolution here.
    private KeyMap InModel(string name, KeyMap map)
    {
        var whole = map.ForModel(nameof(backbone), head is null || name == "timm" ? null : nameof(head));
        return head is null
            ? whole with
            {
                Computed = key => map.Computed?.Invoke(key) == true || key.StartsWith("head.", StringComparison.Ordinal),
            }
            : whole;
    }

    private void Require(int? layers, string key)
    {
        if (layers > backbone.Depth)
            throw new UserErrorException($"Mctformer: {key} is {layers}, but the backbone has {backbone.Depth} blocks.");
    }
}
