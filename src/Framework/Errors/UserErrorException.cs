namespace Tessera.Framework.Errors;

/// <summary>
/// A mistake of the user's: in a config, a checkpoint, a data set or on the command line. The tools print its message
/// without a stack trace and exit with code 1.
/// </summary>
public sealed class UserErrorException : Exception
{
    public UserErrorException(string message)
        : base(message) { }

    public UserErrorException(string message, Exception? innerException)
        : base(message, innerException) { }

    public UserErrorException()
        : base("The input is not usable.") { }
}
