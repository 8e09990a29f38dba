namespace Tessera.Predictions;

/// <summary>The keys of files of predictions; docs/tools.md describes them.</summary>
internal static class PredictionKeys
{
    public const int Version = 1;

    public const string Format = "tessera_predictions",
        Task = "task",
        Part = "part",
        Weights = "weights",
        Classes = "classes",
        CategoryIds = "category_ids",
        Things = "things",
        Frequencies = "frequencies",
        Ancestors = "ancestors",
        Image = "image",
        Index = "index",
        Hash = "truth_hash",
        Truth = "truth",
        Scores = "scores",
        Values = "values",
        ImageId = "image_id",
        Boxes = "boxes",
        Map = "map",
        Finite = "finite",
        Images = "images",
        Metrics = "metrics";
}
