using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Detection;
using Tessera.Models.Detection.Suppression;
using Tessera.Models.Heads;
using Tessera.Models.Losses;
using Tessera.Torch;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;
using Linear = TorchSharp.Modules.Linear;

namespace Tessera.Models.TaskModels.FineGrained;

/// <summary>Images to classes that differ in details: one network proposes parts of the image, which the backbone then looks at enlarged;
/// the class is told by the features of the whole image and of its best parts.</summary>
/// <remarks>
/// Yang et al., "Learning to Navigate for Fine-grained Classification", ECCV 2018, arXiv:1809.00287. Nothing but the images' labels teaches
/// which parts matter: those by which the class is told best are to have the highest scores (<c>rank</c>). Departs from the authors' code
/// in two places: dropout is off in evaluation, which theirs never is, so that their published accuracies are of features half of which are
/// dropped at random; and where suppression leaves fewer boxes than are wanted, at which theirs fails, the best of those suppressed follow.
/// </remarks>
[Component("NtsNet"), ForTask(DataTask.Classification)]
public sealed class NtsNet : VisionModel, IExplainable
{
    private readonly Backbone backbone;
    private readonly Linear fc;
    private readonly ProposalNet proposal_net;
    private readonly Linear concat_net;
    private readonly Linear partcls_net;
    private readonly Loss loss;

    private readonly NtsNetOptions _options;
    private (long Rows, long Columns, PartBox[] Boxes)? _anchors; // of the last size of images

    /// <param name="backbone">Any whose last output is a map; it sees whole images and parts of part_size.</param>
    /// <param name="data">The data's classes.</param>
    /// <param name="loss">Of the logits of the image, of its parts and of both; cross entropy by default.</param>
    public NtsNet(NtsNetOptions options, Backbone backbone, DataInfo data, Loss? loss = null)
        : base(nameof(NtsNet))
    {
        if (data.Task != DataTask.Classification)
            throw new UserErrorException($"NtsNet needs data with one class an image, not with a truth for {TaskNames.Of(data.Task)}.");
        if (backbone.OutStrides[^1] == 0)
            throw new UserErrorException(
                $"NtsNet proposes parts by the backbone's last map, but {backbone.GetName()} gives a vector here. A VisionTransformer "
                    + "gives maps with features \"maps\"."
            );
        this.backbone = backbone;
        this.loss = loss ?? new CrossEntropyLoss(new CrossEntropyLossOptions());
        if (this.loss.WantsEmbeddings)
            throw new UserErrorException($"NtsNet has no embeddings for {this.loss.GetName()}.");
        _options = options;
        var (width, classes) = (backbone.OutChannels[^1], data.Classes.Count);
        fc = Linear(width, classes);
        proposal_net = new ProposalNet(width, options.ProposalChannels);
        concat_net = Linear((long)width * (options.Parts + 1), classes);
        partcls_net = Linear(width, classes);
        RegisterComponents();
    }

    /// <summary>The backbone's, with the image's own classifier as the last layer; and, for a backbone with torchvision's names, the
    /// authors', "nts-net".</summary>
    public override IReadOnlyDictionary<string, KeyMap> KeyMaps
    {
        get
        {
            var maps = backbone.KeyMaps.ToDictionary(pair => pair.Key, pair => pair.Value.ForModel(nameof(backbone), nameof(fc)));
            if (backbone.KeyMaps.TryGetValue("torchvision", out var torchvision))
                maps["nts-net"] = NtsNetKeys.Map(torchvision);
            return maps;
        }
    }

    public override IReadOnlyCollection<ClassTensor> ClassTensors =>
        [
            .. from layer in new[] { nameof(fc), nameof(concat_net), nameof(partcls_net) }
            from name in new[] { "weight", "bias" }
            select new ClassTensor($"{layer}.{name}"),
        ];

    public override Tensor Fit(string key, Tensor stored) =>
        key.StartsWith("backbone.", StringComparison.Ordinal) ? backbone.Fit(key["backbone.".Length..], stored) : stored;

    /// <summary>What is predicted, before the softmax: by the whole image and its best parts.</summary>
    /// <param name="images">[B, C, H, W].</param>
    /// <returns>[B, classes].</returns>
    public Tensor Logits(Tensor images)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(Look(images, _options.Parts).Concat);
    }

    public Tensor[] Outputs(Tensor images) => [Logits(images)];

    /// <returns>"raw", of the whole image; "concat", of image and parts; "parts", the mean over all proposals; "rank", of the proposals'
    /// scores, from which alone the proposals learn.</returns>
    public override LossMap Loss(Batch batch, Progress progress)
    {
        using var scope = NewDisposeScope();
        var look = Look(batch.Images, _options.Proposals);
        var whole = new LossTargets(batch.Labels, batch.SoftLabels);
        var ofParts = new LossTargets(
            batch.Labels?.repeat_interleave(_options.Proposals, 0),
            batch.SoftLabels?.repeat_interleave(_options.Proposals, 0)
        );
        var parts = partcls_net.call(look.PartFeatures);
        var losses = new LossMap
        {
            ["raw"] = loss.Compute(fc.call(look.Features), whole, progress),
            ["concat"] = loss.Compute(look.Concat, whole, progress),
            ["parts"] = loss.Compute(parts, ofParts, progress),
            ["rank"] = PartRanking.Loss(look.Scores, CrossEntropies(parts, ofParts).view(look.Scores.shape)),
        };
        foreach (var term in losses.Values)
            scope.MoveToOuter(term);
        return losses;
    }

    /// <summary>With <see cref="ClassPrediction.Parts"/>, the best first.</summary>
    public override IReadOnlyList<Prediction> Predict(Batch batch)
    {
        using var scope = NewDisposeScope();
        var look = Look(batch.Images, _options.Parts);
        var scores = look.Concat.to(ScalarType.Float32).softmax(1).cpu();
        var rows = scores.Values<float>().Chunk((int)scores.shape[1]).ToArray();
        var size = ((int)batch.Images.shape[2], (int)batch.Images.shape[3]);
        return
        [
            .. rows.Select(
                (row, i) =>
                    new ClassPrediction(row, Array.IndexOf(row, row.Max()))
                    {
                        Parts = ImageFrame.ToOriginal(Boxes(look.Boxes[i]), batch.Samples[i], size, -1).Corners,
                    }
            ),
        ];
    }

    /// <summary>The network's answers, all with gradient.</summary>
    /// <param name="images">[B, C, H, W].</param>
    /// <param name="count">Parts that are looked at; at least as many as stand beside the image.</param>
    internal NtsNetLook Look(Tensor images, int count)
    {
        using var scope = NewDisposeScope();
        var map = backbone.call(images)[^1];
        var features = Pooled(map);
        var scores = proposal_net.call(map.detach()).to(ScalarType.Float32);
        var anchors = Anchors(map);
        var chosen = scores
            .detach()
            .cpu()
            .Values<float>()
            .Chunk(anchors.Length)
            .Select(of => PartSelection.Choose(of, anchors, count, _options.IouThreshold))
            .ToArray();
        var boxes = chosen.Select(of => Array.ConvertAll(of, i => anchors[i])).ToArray();
        var partFeatures = Pooled(backbone.call(PartCrops.Of(images, boxes, _options.PartSize))[^1]); // [B · count, C]
        var best = partFeatures.unflatten(0, [images.shape[0], count]).narrow(1, 0, _options.Parts).flatten(1);
        var concat = concat_net.call(cat([best, features], 1));
        var places = tensor(chosen.SelectMany(of => of.Select(i => (long)i)).ToArray()).view(images.shape[0], count).to(scores.device);
        var look = new NtsNetLook(features, concat, partFeatures, scores.gather(1, places), boxes, chosen);
        scope.MoveToOuter(look.Features, look.Concat, look.PartFeatures, look.Scores);
        return look;
    }

    private Tensor Pooled(Tensor map)
    {
        var pooled = FeaturePooling.Average.Pool(map);
        return _options.Dropout > 0 ? functional.dropout(pooled, _options.Dropout, training) : pooled;
    }

    private PartBox[] Anchors(Tensor map)
    {
        var (rows, columns) = (map.shape[2], map.shape[3]);
        if (_anchors is not { } known || known.Rows != rows || known.Columns != columns)
            _anchors = known = (rows, columns, PartAnchors.Of((int)rows, (int)columns, backbone.OutStrides[^1], _options.AnchorSize));
        return known.Boxes;
    }

    // Of each part; -ln p of its class.
    private static Tensor CrossEntropies(Tensor logits, LossTargets targets)
    {
        var logs = logits.detach().to(ScalarType.Float32).log_softmax(1);
        return targets.SoftLabels is { } soft
            ? -(soft * logs).sum([1])
            : -logs.gather(1, (targets.Labels ?? throw Targets.NoLabels(nameof(NtsNet))).unsqueeze(1)).squeeze(1);
    }

    private static Candidates Boxes(PartBox[] boxes) =>
        new(
            [.. boxes.SelectMany(box => new float[] { box.Left, box.Top, box.Right, box.Bottom })],
            new float[boxes.Length],
            new int[boxes.Length]
        );
}

/// <summary>What a <see cref="NtsNet"/> saw in images.</summary>
/// <param name="Features">[B, C], of the whole images.</param>
/// <param name="Concat">[B, classes], logits by image and best parts.</param>
/// <param name="PartFeatures">[B · count, C], those of an image's parts one after the other.</param>
/// <param name="Scores">[B, count], of the parts, float32.</param>
/// <param name="Boxes">[B][count].</param>
/// <param name="Chosen">[B][count], indices of the boxes among the anchors.</param>
internal sealed record NtsNetLook(
    Tensor Features,
    Tensor Concat,
    Tensor PartFeatures,
    Tensor Scores,
    IReadOnlyList<PartBox[]> Boxes,
    IReadOnlyList<int[]> Chosen
);
