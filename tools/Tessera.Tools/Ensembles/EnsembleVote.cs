using Tessera.Ensembles;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.Detection;

namespace Tessera.Tools.Ensembles;

/// <summary>Makes one prediction of the members', by the kind of vote and the task.</summary>
internal sealed class EnsembleVote
{
    private readonly VoteKind _kind;
    private readonly DataInfo _data;
    private readonly double[] _weights;
    private readonly BoxFusionOptions _fusion;

    /// <param name="weights">Of the members; they sum to 1.</param>
    public EnsembleVote(VoteKind kind, DataInfo data, double[] weights, BoxFusionOptions fusion)
    {
        (_kind, _data, _weights, _fusion) = (kind, data, weights, fusion);
        Require(kind, data.Task);
    }

    /// <exception cref="UserErrorException">Members of this task can't vote so.</exception>
    public static void Require(VoteKind kind, DataTask task)
    {
        if (task == DataTask.Panoptic)
            throw new UserErrorException("Panoptic maps can't be voted on: segments of different models are none of each other's.");
        if (kind == VoteKind.Hard && task is (DataTask.Regression or DataTask.Detection))
            throw new UserErrorException(
                $"--vote hard counts votes for classes; {(task == DataTask.Regression ? "values have none" : "boxes are fused instead")}. "
                    + $"Use --vote mean or --vote weighted."
            );
    }

    public Prediction Of(IReadOnlyList<MemberOutput> members)
    {
        switch (members[0].Prediction)
        {
            case ClassPrediction:
                ClassPrediction[] classes = [.. members.Select(member => (ClassPrediction)member.Prediction)];
                return _kind == VoteKind.Hard ? Votes.Hard(classes, _data.Task) : Votes.Mean(classes, _weights);
            case RegressionPrediction:
                return Votes.Mean([.. members.Select(member => (RegressionPrediction)member.Prediction)], _weights);
            case SegmentationPrediction { Map: var map }:
                var (maps, count) = (members.Select(member => member.Map!).ToArray(), _data.Classes.Count);
                if (maps.Any(other => other.Length != maps[0].Length))
                    throw new UserErrorException("The members' maps differ in size, so they can't vote on pixels.");
                var votes = _kind == VoteKind.Hard ? MapVotes.Hard(maps, count) : MapVotes.Mean(maps, _weights);
                var finite = members.All(member => member.Prediction.OutputIsFinite);
                return MemberOutput.MapOf(MapVotes.Labels(votes, count), map.Height, map.Width, count, finite);
            case DetectionPrediction:
                return Fuse([.. members.Select(member => (DetectionPrediction)member.Prediction)]);
            case var other:
                throw new UserErrorException($"Predictions of the kind {other.GetType().Name} can't be joined.");
        }
    }

    private DetectionPrediction Fuse(DetectionPrediction[] members)
    {
        ScoredBox[][] boxes =
        [
            .. members.Select(member =>
                member
                    .Labels.Select(
                        (label, i) =>
                            new ScoredBox(
                                (
                                    member.Corners[4 * i],
                                    member.Corners[(4 * i) + 1],
                                    member.Corners[(4 * i) + 2],
                                    member.Corners[(4 * i) + 3]
                                ),
                                member.Scores[i],
                                label
                            )
                    )
                    .ToArray()
            ),
        ];
        var fused = BoxFusion.Fuse(boxes, _weights, _fusion);
        return new DetectionPrediction(
            [
                .. fused.SelectMany(box =>
                    new[] { (float)box.Corners.X1, (float)box.Corners.Y1, (float)box.Corners.X2, (float)box.Corners.Y2 }
                ),
            ],
            [.. fused.Select(box => (float)box.Score)],
            [.. fused.Select(box => box.Label)]
        )
        {
            OutputIsFinite = Array.TrueForAll(members, member => member.OutputIsFinite),
        };
    }
}
