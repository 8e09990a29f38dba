namespace Tessera.Framework.Errors;

/// <summary>
/// A mistake of the user's: in a config, a checkpoint, a data set or on the command line. The tools print its message
/// without a stack trace and exit with code 1.
/// </summary>
public sealed class UserErrorException : Exception
{
    private readonly IReadOnlyList<Advice> _advice = [];

    public UserErrorException(string message)
        : base(message) { }

    public UserErrorException(string message, Exception? innerException)
        : base(message, innerException) { }

    public UserErrorException()
        : base("The input is not usable.") { }

    /// <param name="message">What is wrong, and the advice.</param>
    /// <param name="advice">Phrases of the message.</param>
    public UserErrorException(string message, params IReadOnlyList<Advice> advice)
        : base(message) => _advice = advice;

    /// <param name="message">What is wrong, and the advice.</param>
    /// <param name="innerException">What it was found by.</param>
    /// <param name="advice">Phrases of the message.</param>
    public UserErrorException(string message, Exception innerException, params IReadOnlyList<Advice> advice)
        : base(message, innerException) => _advice = advice;

    /// <summary>The phrases of the message that say what would help, those of inner errors included.</summary>
    public IEnumerable<Advice> Advice => _advice.Concat((InnerException as UserErrorException)?.Advice ?? []);
}
