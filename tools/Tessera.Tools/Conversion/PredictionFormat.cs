namespace Tessera.Tools.Conversion;

/// <summary>How predictions are written.</summary>
internal enum PredictionFormat
{
    /// <summary>JSON, a line for each image.</summary>
    Jsonl,

    /// <summary>A table of comma-separated values.</summary>
    Csv,

    /// <summary>Annotations as COCO has them, with scores.</summary>
    Coco,

    /// <summary>A text file of boxes for each image.</summary>
    Yolo,

    /// <summary>A JSON file for each image, to be opened and corrected in LabelMe.</summary>
    Labelme,
}
